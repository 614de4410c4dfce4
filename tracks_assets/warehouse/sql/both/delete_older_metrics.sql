-- What was counted before of days that have been counted again.
delete from {{ daily_metrics }}
where
    bucket_start >= {{ parameter("window_start") }}
    and measured_at < {{ parameter("measured_at") }}
