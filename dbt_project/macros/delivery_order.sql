{#-
    The order of the deliveries of one event, as window functions take it: by insert time (unknown counts as oldest),
    then by the loader's stamp, then by everything else that may differ, so that the result is the same every time.
-#}
{% macro last_delivery_first() -%}
    coalesce(event_inserted_at, {{ long_ago() }}) desc,
    bq_ingested_timestamp desc,
    window_start desc,
    source_file desc,
    created_at asc,
    event_name asc,
    user_id asc,
    {{ payload_text() }} asc
{%- endmacro %}

{% macro payload_text() -%} {{ return(adapter.dispatch('payload_text')()) }} {%- endmacro %}
{% macro default__payload_text() -%} {% do return("event_payload::varchar") %} {%- endmacro %}
{% macro bigquery__payload_text() -%} {% do return("to_json_string(event_payload)") %} {%- endmacro %}
