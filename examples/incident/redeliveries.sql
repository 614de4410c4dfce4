-- One hour of the export that delivers events of the old pipeline again, with new times: what the old hourly merge took
-- for news.
with

events as (
    {{ all_events | indent(4) }}
),

delivered as (
    select *
    from events
    where
        rank % {{ plan.redelivered_hours | length }} = {{ number }}
        and case
            {% for kind in plan.kinds %}
            when rank < {{ kind.end }} then rank < {{ kind.refreshed_end }}
            {% endfor %}
            else false
        end
),

final as (
    select
        *,
        -- A minute is left before the hour's end, within which the delivery is stored.
        {{ start_ms }} + (chance % 3540000)::bigint as created_ms,
        created_ms + 1000 + (chance // 7 % 59000)::bigint as inserted_ms
    from delivered
)

select * from final
