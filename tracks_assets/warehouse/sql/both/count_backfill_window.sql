-- Rows of the frozen table in a window, and those of them that have an id.
select
    count(*) as all_rows,
    count(event_id) as rows_with_id
from {{ backfill_tracks }}
where
    created_at >= {{ parameter("window_start") }}
    and created_at < {{ parameter("window_end") }}
