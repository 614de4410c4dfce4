{#-
    The order of the deliveries of one event, as window functions take it: by insert time (unknown counts as oldest),
    then by load, then by export hour. Ties are broken by the content, column by column, so rows that tie in all of it
    are interchangeable. A file's name or a row's position never counts: the same hour may be exported again with its
    rows spread differently over its files.
-#}
{% macro last_delivery_first(merge, table='') -%}
    {%- set of = table ~ "." if table else "" -%}
    coalesce({{ of }}{{ merge.inserted_at }}, {{ long_ago() }}) desc,
    {{ of }}{{ merge.loaded_at }} desc nulls last,
    {{ of }}{{ merge.window }} desc nulls last
    {%- for name in merge.columns if name not in merge.unique_key + merge.delivery_order -%},
    {{ json_text(of ~ name) if name in merge.json_columns else of ~ name }} asc nulls last
    {%- endfor %}
{%- endmacro %}

{#- The first delivery first, as far as it decides which event a key belongs to; see collisions.sql. -#}
{% macro first_delivery_of(merge, table='') -%}
    {{ first_delivery_first(table, merge.inserted_at, merge.time, merge.identity) }}
{%- endmacro %}
