-- The rows of the window whose id is taken by another event, in tracks or in the window, in full into
-- tracks_collisions: each once, however often the window is run. To be run before insert_missing_legacy.
insert into {{ tracks_collisions }} ({{ shared.names(tracks.columns) }})
with

in_window as (
    select
        {{ shared.names(tracks.columns) }},
        {{ dialect.identity() }} as identity,
        {{ dialect.row_hash(tracks.columns) }} as content,
        first_value({{ dialect.identity() }}) over (
            partition by event_id order by {{ shared.first_delivery_first() | indent(12) }}
        ) as first_identity
    from {{ backfill_tracks }}
    where
        event_id is not null
        and created_at >= {{ parameter("window_start") }}
        and created_at < {{ parameter("window_end") }}
),

stored_events as (
    select distinct
        event_id,
        {{ dialect.identity() }} as identity
    from {{ tracks }}
),

stored_ids as (
    select distinct event_id
    from stored_events
),

collided as (
    select
        in_window.*,
        row_number() over (partition by in_window.content order by in_window.event_id) as from_first
    from in_window
    left join stored_ids on in_window.event_id = stored_ids.event_id
    left join stored_events
        on in_window.event_id = stored_events.event_id and in_window.identity = stored_events.identity
    where
        stored_events.event_id is null
        and (stored_ids.event_id is not null or in_window.identity != in_window.first_identity)
),

known as (
    select {{ dialect.row_hash(tracks.columns) }} as content
    from {{ tracks_collisions }}
    where window_start is null
)

select {{ shared.names(tracks.columns) }}
from collided
where from_first = 1 and content not in (select known.content from known)
