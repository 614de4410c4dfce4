-- What the loads or merges of a run took; that is known only after they are committed.
update {{ log }} as logged set
    milliseconds = spent.milliseconds,
    bytes_billed = spent.bytes_billed,
    slot_ms = spent.slot_ms
from (
    {% for cost in costs %}
    select
        timestamp '{{ cost.hour.isoformat() }}' as window_start,
        {{ cost.milliseconds }} as milliseconds,
        {{ "null" if cost.bytes_billed is none else cost.bytes_billed }} as bytes_billed,
        {{ "null" if cost.slot_ms is none else cost.slot_ms }} as slot_ms
    {{ "union all" if not loop.last }}
    {% endfor %}
) as spent
where
    logged.window_start = spent.window_start
    and logged.run_id = {{ parameter("run_id") }}
    and logged.window_start >= {{ parameter("window_start") }}
    and logged.window_start < {{ parameter("window_end") }}
    and logged.milliseconds is null
