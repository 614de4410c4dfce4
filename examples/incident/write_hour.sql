copy (
    select {{ shared.names(backfill_tracks.columns) }}
    from {{ backfill_tracks }}
    where
        created_at >= {{ hour.isoformat() | sql_text }}::timestamptz
        and created_at < {{ hour.isoformat() | sql_text }}::timestamptz + interval 1 hour
    order by created_at, event_id, bq_ingested_timestamp
) to {{ file | sql_text }} (format parquet)
