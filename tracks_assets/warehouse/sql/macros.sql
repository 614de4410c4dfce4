{#- What several statements say in the same words on both engines. -#}

{#-
    The order of the copies of one event, the one that stays first: the latest ingested, then everything else that may
    differ, so that the result is the same every time. Copies that tie in all of it are the same row.
-#}
{% macro winner_first(columns, dialect) -%}
    bq_ingested_timestamp desc nulls last,
    event_inserted_at desc nulls last,
    created_at asc nulls last
    {%- for column in columns if column.name not in (
        'event_id', 'bq_ingested_timestamp', 'event_inserted_at', 'created_at'
    ) -%},
    {{ dialect.json_text(column.name) if column.type == 'JSON' else column.name }} asc nulls last
    {%- endfor %}
{%- endmacro %}

{#- The first delivery first, as far as it decides which event an id belongs to; the hourly merge has the same order. -#}
{% macro first_delivery_first() -%}
    event_inserted_at asc nulls first,
    created_at asc nulls last,
    event_name asc nulls last,
    user_id asc nulls last
{%- endmacro %}

{#- The columns' names, one after another. -#}
{% macro names(columns) -%} {{ columns | map(attribute='name') | join(', ') }} {%- endmacro %}

{#- The time that an event's id carries; null where it carries none. -#}
{% macro minted_at(dialect) -%}
    case when {{ dialect.is_uuid7('event_id') }} then {{ dialect.uuid7_time('event_id') }} end
{%- endmacro %}

{#- Whether the payload's own time agrees with the id's within a second. -#}
{% macro time_agrees(dialect) -%}
    abs(
        {{ dialect.json_number('event_payload', '$time') }}
        - {{ dialect.seconds_between(minted_at(dialect), "timestamp '1970-01-01 00:00:00+00'") }}
    ) <= 1
{%- endmacro %}

{#- The time of an event whose id carries one: the payload's where it agrees, for that is finer than the id's. -#}
{% macro original_time(dialect) -%}
    case
        when {{ time_agrees(dialect) }}
            then {{ dialect.seconds_time(dialect.json_number('event_payload', '$time')) }}
        else {{ minted_at(dialect) }}
    end
{%- endmacro %}

{#-
    Whether a row stands later than its id's time by more than the tolerance. An id's time that the contract would
    refuse as an event's time is no evidence: it comes from a clock that was not set.
-#}
{% macro is_redated(dialect, parameter) -%}
    created_at > {{ dialect.hours_after(minted_at(dialect), parameter("tolerance_hours")) }}
    and {{ minted_at(dialect) }} >= {{ parameter("earliest") }}
{%- endmacro %}

{#- A column of a staging table of BigQuery's, where JSON stands as text. -#}
{% macro from_staging(column) -%}
    {%- if column.type == 'JSON' -%}
        parse_json({{ column.name }}, wide_number_mode => 'round') as {{ column.name }}
    {%- else -%}
        {{ column.name }}
    {%- endif -%}
{%- endmacro %}

{#-
    What a transaction does first where an engine has several writers at a time. BigQuery lets transactions that only
    insert run side by side: two merges that both miss an event would both insert it, and two loads of a new hour would
    fill it twice. Of two that change the same row, it lets one go, and nothing of that one is done:
    https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency.
-#}
{% macro take_turn(turn) -%}
merge into {{ turn }} as turn
using (select 1 as number, current_timestamp() as taken_at) as taker
    on turn.number = taker.number
when matched then update set taken_at = taker.taken_at
when not matched then insert (number, taken_at) values (taker.number, taker.taken_at)
{%- endmacro %}
