{#-
    The order of the deliveries of one event, as window functions take it: by insert time (unknown counts as oldest),
    then by the loader's stamp, then by export hour. Ties are broken by the content, column by column, so rows that tie
    in all of it are interchangeable. A file's name or a row's position never counts: the same hour may be exported
    again with its rows spread differently over its files.
-#}
{% macro last_delivery_first() -%}
    coalesce(event_inserted_at, {{ long_ago() }}) desc,
    bq_ingested_timestamp desc nulls last,
    window_start desc nulls last
    {%- for name in track_columns() if name not in ('event_id', 'event_inserted_at', 'bq_ingested_timestamp') -%},
    {{ json_text(name) if is_json(name) else name }} asc nulls last
    {%- endfor %}
{%- endmacro %}

{#- The first delivery first, as far as it decides which event an id belongs to; see macros/collisions.sql. -#}
{% macro first_delivery_first() -%}
    coalesce(event_inserted_at, {{ long_ago() }}) asc,
    created_at asc nulls last,
    event_name asc nulls last,
    user_id asc nulls last
{%- endmacro %}

{% macro json_text(name) -%} {{ return(adapter.dispatch('json_text')(name)) }} {%- endmacro %}
{% macro default__json_text(name) -%} {% do return(name ~ "::varchar") %} {%- endmacro %}
{% macro bigquery__json_text(name) -%} {% do return("to_json_string(" ~ name ~ ")") %} {%- endmacro %}
