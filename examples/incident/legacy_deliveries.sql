-- Every delivery to the old pipeline: of an event as many as its kind says. One that was sent again carries a time some
-- days later; one that was only delivered twice carries the same everything.
with

events as (
    {{ all_events | indent(4) }}
),

delivered as (
    select
        *,
        unnest(
            case
                {% for kind in plan.kinds %}
                when rank >= {{ kind.first }} and rank < {{ kind.end }} then {{ kind.deliveries | list }}
                {% endfor %}
                else [0]
            end
        ) as times_resent
    from events
),

final as (
    select
        *,
        -- Two to seven days later each time: more than the one day that the old merge looked at.
        event_ms + times_resent * (172800000 + (chance % 432000000)::bigint) as created_ms,
        created_ms + 1000 + (chance // 7 % 59000)::bigint as inserted_ms
    from delivered
)

select * from final
