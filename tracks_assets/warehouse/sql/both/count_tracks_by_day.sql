-- The only scan of tracks that the anomaly checks need: three columns of the days of a window.
create or replace temp table tracks_by_day as
select
    {{ dialect.day_of("created_at") }} as bucket_start,
    event_name,
    client,
    count(*) as row_count
from {{ tracks }}
where
    created_at >= {{ parameter("window_start") }}
    and created_at < {{ parameter("window_end") }}
group by bucket_start, event_name, client
