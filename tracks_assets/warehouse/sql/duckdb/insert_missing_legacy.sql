-- The rows that find_missing_legacy found and drop_repeated_legacy left: their payloads stream through.
insert into {{ tracks }} ({{ shared.names(tracks.columns) }})
select {{ shared.names(tracks.columns) }}
from {{ backfill_tracks }}
where
    created_at >= {{ parameter("window_start") }}
    and created_at < {{ parameter("window_end") }}
    and rowid in (select missing_legacy.row_id from missing_legacy)
