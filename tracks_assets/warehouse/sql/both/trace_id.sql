-- What an event id's own time says; null where the id carries none.
select
    case
        when {{ dialect.is_uuid7(parameter("event_id")) }} then {{ dialect.uuid7_time(parameter("event_id")) }}
    end as minted_at
