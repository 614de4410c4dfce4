-- Why the contract refused rows of a window of export hours, the commonest reason first.
select
    reason,
    count(*) as refused_rows,
    min(window_start) as first_hour,
    max(window_start) as last_hour
from {{ rejected_tracks }}
where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
group by reason
order by refused_rows desc, reason asc
limit 20
