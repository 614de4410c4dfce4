delete from {{ backfill_tracks }}
where
    created_at >= {{ parameter("window_start") }}
    and created_at < {{ parameter("window_end") }}
