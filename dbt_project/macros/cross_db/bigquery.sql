{#- The macros of dialect.sql for BigQuery. -#}

{% macro bigquery__hours_after(moment, hours) -%} timestamp_add({{ moment }}, interval {{ hours }} hour) {%- endmacro %}

{#- The zone is written each time, because a project can have another default. -#}
{% macro bigquery__hour_of(moment) -%} timestamp_trunc({{ moment }}, hour, 'UTC') {%- endmacro %}

{% macro bigquery__day_of(moment) -%} timestamp_trunc({{ moment }}, day, 'UTC') {%- endmacro %}

{% macro bigquery__month_of(moment) -%} timestamp_trunc({{ moment }}, month, 'UTC') {%- endmacro %}

{#- Null where there is no value; to_json_string would say 'null', as it does of JSON's own null. -#}
{% macro bigquery__json_text(value) -%} if({{ value }} is null, null, to_json_string({{ value }})) {%- endmacro %}

{% macro bigquery__json_member(value, key) -%} json_value({{ value }}, '$."{{ key }}"') {%- endmacro %}

{% macro bigquery__json_number(value, key) -%} safe_cast(json_value({{ value }}, '$."{{ key }}"') as float64) {%- endmacro %}

{% macro bigquery__is_uuid7(id) -%}
    coalesce(regexp_contains(
        {{ id }}, r'^[0-9a-dA-D][0-9a-fA-F]{7}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$'
    ), false)
{%- endmacro %}

{% macro bigquery__uuid7_time(id) -%}
    timestamp_millis(safe_cast(concat('0x', substr({{ id }}, 1, 8), substr({{ id }}, 10, 4)) as int64))
{%- endmacro %}

{% macro bigquery__seconds_time(seconds) -%} timestamp_micros(cast(round({{ seconds }} * 1000000) as int64)) {%- endmacro %}

{% macro bigquery__seconds_between(later, earlier) -%} timestamp_diff({{ later }}, {{ earlier }}, microsecond) / 1e6 {%- endmacro %}

{#- to_json_string has the same text for an absent value and for JSON's null, so what is absent is listed too. -#}
{% macro bigquery__hash_of(columns) -%}
    farm_fingerprint(to_json_string(struct(
        {{- columns | map(attribute='name') | join(', ') }}
        {%- for column in columns if column.type == 'JSON' -%} , {{ column.name }} is null {%- endfor -%}
    )))
{%- endmacro %}

{% macro bigquery__fingerprint(columns) -%} {{ hash_of(columns) }} {%- endmacro %}

{% macro bigquery__row_hash(columns) -%} cast({{ hash_of(columns) }} as bignumeric) {%- endmacro %}

{% macro bigquery__hash_sum(columns) -%} cast(coalesce(sum({{ row_hash(columns) }}), 0) as string) {%- endmacro %}

{% macro bigquery__utc_timestamp(text) -%} timestamp '{{ text }}' {%- endmacro %}

{% macro bigquery__hours_array(first, last, hours) -%}
    generate_timestamp_array({{ first }}, {{ last }}, interval {{ hours }} hour)
{%- endmacro %}

{% macro bigquery__array_rows(array, name) -%} unnest({{ array }}) as {{ name }} {%- endmacro %}

{% macro bigquery__integer() -%} int64 {%- endmacro %}

{#- BigQuery has no such hint. -#}
{% macro bigquery__not_materialized(name) -%} {{ name }} as {%- endmacro %}
