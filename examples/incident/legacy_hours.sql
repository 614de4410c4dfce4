-- The hours in which the old pipeline has rows.
select
    date_trunc('hour', created_at) as hour,
    count(*) as all_rows
from {{ backfill_tracks }}
group by hour
order by hour
