-- The record of censuses, the oldest first: one row for each count of tracks.
select *
from {{ duplicate_census }}
order by measured_at
