-- The rows that collide, in full, into tracks_collisions: each once, however often the window is run.
insert into {{ tracks_collisions }} ({{ shared.names(tracks.columns) }})
with

hashed as (
    select
        {{ shared.names(tracks.columns) }},
        {{ dialect.row_hash(tracks.columns) }} as content
    from {{ backfill_tracks }}
    where rowid in (select collided_legacy.place from collided_legacy)
),

known as (
    select {{ dialect.row_hash(tracks.columns) }} as content
    from {{ tracks_collisions }}
    where window_start is null
),

numbered as (
    select
        *,
        row_number() over (partition by content order by event_id) as from_first
    from hashed
)

select {{ shared.names(tracks.columns) }}
from numbered
where from_first = 1 and content not in (select known.content from known)
