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

{#- The columns' names, one after another. -#}
{% macro names(columns) -%} {{ columns | map(attribute='name') | join(', ') }} {%- endmacro %}
