-- Rows of tracks that share their id with a moved row: what a snapshot for their way back holds.
select count(*) as all_rows
from {{ tracks }}
where event_id in (select moved_rows.event_id from moved_rows)
