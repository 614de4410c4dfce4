-- The rows that collide, in full, into tracks_collisions: each once, however often the window is run.
insert into {{ tracks_collisions }} ({{ shared.names(tracks.columns) }})
with

collided as (
    select {{ shared.names(tracks.columns) }}
    from {{ backfill_tracks }}
    where rowid in (select collided_legacy.row_id from collided_legacy)
),

{{ shared.not_kept_before("collided", tracks, tracks_collisions, dialect) }}
