{#-
    A missing table is created with the query's rows, and their collisions are kept. The loader creates tracks, so this
    is for a bare `dbt build` on a warehouse without it.
-#}
{% macro first_statements(merge, target_relation, compiled_code) %}
    {{ create_table_as(False, target_relation, compiled_code) }}
    {{ insert_first_collisions(merge) }}
{% endmacro %}

{#- The time that a row keeps; one without a time keeps none, though `least` would give it one on DuckDB. -#}
{% macro earlier_of(stored, planned) -%}
case when {{ stored }} > {{ planned }} then {{ planned }} else {{ stored }} end
{%- endmacro %}

{#- What an update takes from the last delivery: everything but the key and the time. -#}
{% macro content_of(merge, delivery) %}
{% for column in merge.updated_columns %}
{{ column }} = {{ delivery }}.{{ column }},
{% endfor %}
{% endmacro %}

{#- The deliveries that are newer than the current row and change nothing of it; only of events stored once. -#}
{% macro record_repeats(merge) -%}
insert into {{ merge_table(merge, 'redelivered') }} (
    {{ key_columns(merge) }},
    {{ merge.inserted_at }},
    {{ merge.loaded_at }},
    {{ merge.window }},
    stored_inserted_at,
    stored_ingested_timestamp
)
select
    {{ key_columns(merge) }},
    nullif(inserted_at, {{ long_ago() }}) as inserted_at,
    ingested_at,
    window_start,
    stored_inserted_at,
    stored_ingested_at
from merge_plan
where is_repeat
{%- endmacro %}
