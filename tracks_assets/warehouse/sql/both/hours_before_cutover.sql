-- Of each export hour of a window, its deliveries, and those of them that lie before the cutover.
select
    window_start,
    count(*) as deliveries,
    sum(case when created_at < {{ parameter("cutover") }} then 1 else 0 end) as before_cutover
from {{ raw_tracks }}
where
    window_start >= {{ parameter("window_start") }}
    and window_start < {{ parameter("window_end") }}
group by window_start
order by window_start
