{#- What several statements say in the same words on both engines. -#}

{#-
    The order of the rows of one event, the one to keep first: the latest ingested, then everything else that may
    differ, so that the result is the same every time. Rows that tie in all of it are the same row.
-#}
{% macro kept_first(columns, dialect) -%}
    bq_ingested_timestamp desc nulls last,
    event_inserted_at desc nulls last,
    created_at asc nulls last
    {%- for column in columns if column.name not in (
        'event_id', 'bq_ingested_timestamp', 'event_inserted_at', 'created_at'
    ) -%},
    {{ dialect.json_text(column.name) if column.type == 'JSON' else column.name }} asc nulls last
    {%- endfor %}
{%- endmacro %}

{#- Up to ten event ids of a relation, in order, as an array. -#}
{% macro first_ids(relation) -%}
array(
    select ids.event_id
    from (
        select event_id from {{ relation }}
        order by event_id
        limit 10
    ) as ids
    order by ids.event_id
)
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
    Whether a row is later than its id's time by more than the tolerance. An id's time that the contract would
    refuse as an event's time is no evidence: it comes from a clock that was not set.
-#}
{% macro is_moved(dialect, parameter) -%}
    created_at > {{ dialect.hours_after(minted_at(dialect), parameter("tolerance_hours")) }}
    and {{ minted_at(dialect) }} >= {{ parameter("earliest") }}
{%- endmacro %}

{#-
    The rows of the frozen table that were created in a window and have an id; for each, its event, and the event that
    was delivered first under its id in the window.
-#}
{% macro legacy_window(names, backfill_tracks, dialect, parameter) -%}
select
    {{ names }},
    {{ dialect.identity() }} as identity,
    first_value({{ dialect.identity() }}) over (
        partition by event_id order by {{ dialect.first_delivery_first() | indent(8) }}
    ) as first_identity
from {{ backfill_tracks }}
where
    event_id is not null
    and created_at >= {{ parameter("window_start") }}
    and created_at < {{ parameter("window_end") }}
{%- endmacro %}

{#- The events in tracks, and their ids. -#}
{% macro stored_events(tracks, dialect) -%}
stored_events as (
    select distinct
        event_id,
        {{ dialect.identity() }} as identity
    from {{ tracks }}
),

stored_ids as (
    select distinct event_id
    from stored_events
)
{%- endmacro %}

{#- The end of a statement that keeps collided legacy rows: each once, and none that is kept already. -#}
{% macro not_kept_before(collided, tracks, tracks_collisions, dialect) -%}
hashed as (
    select
        {{ names(tracks.columns) }},
        {{ dialect.row_hash(tracks.columns) }} as content
    from {{ collided }}
),

numbered as (
    select
        *,
        row_number() over (partition by content order by event_id) as from_first
    from hashed
),

known as (
    select {{ dialect.row_hash(tracks.columns) }} as content
    from {{ tracks_collisions }}
    where window_start is null
)

select {{ names(tracks.columns) }}
from numbered
where from_first = 1 and content not in (select known.content from known)
{%- endmacro %}

{#- A column of a staging table of BigQuery's, where JSON is text. -#}
{% macro from_staging(column) -%}
    {%- if column.type == 'JSON' -%}
        parse_json({{ column.name }}, wide_number_mode => 'round') as {{ column.name }}
    {%- else -%}
        {{ column.name }}
    {%- endif -%}
{%- endmacro %}

{#- The columns of a log that are known before the commit; for the others see record_costs.sql. -#}
{% macro counted(log) -%}
{{ names(log.columns | rejectattr('name', 'in', ('milliseconds', 'bytes_billed', 'slot_ms'))) }}
{%- endmacro %}

{#-
    Whether a row lies on some days; a range without a start names the rows without a time. Ranges are literals, because
    they name the partitions that an update is billed for.
-#}
{% macro in_days(days, dialect, table) -%}
(
    {%- for day in days %}

        {{ "or " if not loop.first }}{{ _in_range(day, dialect, table) }}
    {%- endfor %}

    )
{%- endmacro %}

{% macro _in_range(day, dialect, table) -%}
{%- if day.start -%}
({{ table }}.created_at >= {{ dialect.utc_timestamp(day.start) }} and {{ table }}.created_at < {{ dialect.utc_timestamp(day.end) }})
{%- else -%}
{{ table }}.created_at is null
{%- endif -%}
{%- endmacro %}

{#- Whether a row is one of former_persons; a row without a time counts as long ago. -#}
{% macro is_former_row(dialect, table) -%}
{{ table }}.event_id = former_persons.former_event_id
and {{ table }}.user_id = former_persons.former_user_id
and coalesce({{ table }}.created_at, {{ long_ago(dialect) }}) = former_persons.former_created_at
{%- endmacro %}

{#- A moment before that of every event. -#}
{% macro long_ago(dialect) -%} {{ dialect.utc_timestamp("0001-01-01T00:00:00+00:00") }} {%- endmacro %}
