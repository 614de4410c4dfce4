-- What insert_missing_legacy is going to find in its window; to be asked before, in the same transaction.
with

in_window as (
    select
        event_id,
        {{ dialect.identity() }} as identity,
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

final as (
    select
        countif(stored_events.event_id is not null) as standing,
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
