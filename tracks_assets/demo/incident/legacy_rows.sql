-- Every row that the old pipeline left: an event as often as its kind was delivered, each time on a later day, or, where
-- nothing but the delivery was repeated, with the very same columns.
with

events as (
    {{ events | indent(4) }}
),

delivered as (
    select
        *,
        unnest(
            case
                {% for kind in plan.ranked_kinds %}
                when rank < {{ kind.end }} then {{ kind.copies | list }}
                {% endfor %}
                else [0]
            end
        ) as resent
    from events
),

timed as (
    select
        *,
        -- Two to seven days later: never within the one day at which the old merge looked.
        event_ms + resent * (2 * 86400000 + (chance % (5 * 86400000))::bigint) as created_ms,
        created_ms + 1000 + (chance // 7 % 59000)::bigint as inserted_ms
    from delivered
),

final as (
    select
        {{ row | indent(8) }}
    from timed
)

select * from final
