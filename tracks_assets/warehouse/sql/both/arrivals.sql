-- How late events come: of some days, the deliveries by the hour after the day's end in which they were exported; 0 or
-- less for the hours of the day itself.
with

timed as (
    select
        cast({{ dialect.seconds_between("window_start", dialect.day_of("created_at")) }} / 3600 as int64)
        - 23 as hours_late
    from {{ raw_tracks }}
    where
        window_start >= {{ parameter("window_start") }}
        and window_start < {{ parameter("window_end") }}
        and created_at >= {{ parameter("window_start") }}
        and created_at < {{ parameter("created_end") }}
)

select
    hours_late,
    count(*) as deliveries
from timed
group by hours_late
