-- The events that the old pipeline saw, one a row, with what their rows of tracks have in common.
--
-- Nothing is drawn: whatever looks like chance follows from hashes of an event's number and the seed, so the same plan
-- always gives the same events. rank says which kind of event it is, see plan.py.
with

numbered as (
    select
        numbers.number,
        -- Scatters the kinds evenly over time: multiplier and number of events have no common divisor.
        (numbers.number * {{ plan.multiplier }} + {{ plan.seed }}) % {{ plan.events }} as rank,
        hash(numbers.number, {{ plan.seed }}) as chance,
        {{ plan.start_ms }} + numbers.number * {{ plan.length_ms }} // {{ plan.events }} as event_ms
    from range({{ plan.events }}) as numbers (number)
),

placed as (
    select
        *,
        md5(format('event {} of {}', number, {{ plan.seed }})) as digits,
        -- Few people do much: a square is small more often than not.
        floor({{ plan.people }} * pow(chance % 65536 / 65536, 2))::bigint as person,
        rank % {{ plan.events_a_uuid4 }} = {{ plan.events_a_uuid4 - 1 }} as is_uuid4
    from numbered
),

identified as (
    select
        *,
        case
            when is_uuid4 then digits[1:8] || '-' || digits[9:12] || '-4'
            else format('{:08x}-{:04x}-7', event_ms // 65536, event_ms % 65536)
        end || digits[13:15] || '-' || substr('89ab', 1 + (chance // 65536 % 4)::bigint, 1) || digits[17:19] || '-'
        || digits[20:31] as event_id
    from placed
),

described as (
    select
        identified.rank,
        identified.chance,
        identified.event_ms,
        identified.event_id,
        identified.digits,
        [
            '$pageview', '$pageview', '$pageview', '$screen', '$screen', '$autocapture', 'lesson started',
            'lesson completed', 'exercise completed', 'word card viewed', 'paywall viewed', 'subscription started'
        ][1 + (identified.chance // 262144 % 12)::bigint] as event_name,
        format('app-{}-{}', people.person, identified.event_ms // 1800000) as session_id,
        people.*
    from identified
    inner join people on identified.person = people.person
),

final as (
    select
        * exclude (properties),
        -- The payload is as long as the plan wants it, but for what it must hold anyway.
        format('{{ "{{" }}"$time":{}.{:03d},"session_id":"{}","notes":"{}",{}',
            event_ms // 1000,
            event_ms % 1000,
            session_id,
            rpad(digits, greatest(16, {{ plan.payload_bytes }} - 80 - length(properties))::integer, digits),
            properties
        ) as event_payload
    from described
)

select * from final
