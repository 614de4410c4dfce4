-- The rows of the window whose id is taken by another event, in tracks or in the window, in full into
-- tracks_collisions: each once, however often the window is run. To be run before insert_missing_legacy.
insert into {{ tracks_collisions }} ({{ shared.names(tracks.columns) }})
with

in_window as (
    {{ shared.legacy_window(shared.names(tracks.columns), backfill_tracks, dialect, parameter) | indent(4) }}
),

{{ shared.stored_events(tracks, dialect) }},

collided as (
    select in_window.*
    from in_window
    left join stored_ids on in_window.event_id = stored_ids.event_id
    left join stored_events
        on in_window.event_id = stored_events.event_id and in_window.identity = stored_events.identity
    where
        stored_events.event_id is null
        and (stored_ids.event_id is not null or in_window.identity != in_window.first_identity)
),

{{ shared.not_kept_before("collided", tracks, tracks_collisions, dialect) }}
