-- What insert_missing_legacy is going to find in its window; to be asked before, in the same transaction.
with

in_window as (
    {{ shared.legacy_window("event_id", backfill_tracks, dialect, parameter) | indent(4) }}
),

{{ shared.stored_events(tracks, dialect) }},

final as (
    select
        countif(stored_events.event_id is not null) as stored,
        countif(
            stored_events.event_id is null
            and (stored_ids.event_id is not null or in_window.identity != in_window.first_identity)
        ) as collided,
        count(distinct if(stored_ids.event_id is null, in_window.event_id, null)) as missing_ids
    from in_window
    left join stored_ids on in_window.event_id = stored_ids.event_id
    left join stored_events
        on in_window.event_id = stored_events.event_id and in_window.identity = stored_events.identity
)

select * from final
