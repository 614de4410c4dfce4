{#- The macros of dialect.sql for DuckDB. -#}

{% macro duckdb__hours_after(moment, hours) -%} {{ moment }} + to_hours({{ hours }}) {%- endmacro %}

{% macro duckdb__hour_of(moment) -%} date_trunc('hour', {{ moment }}) {%- endmacro %}

{% macro duckdb__day_of(moment) -%} date_trunc('day', {{ moment }}) {%- endmacro %}

{% macro duckdb__month_of(moment) -%} date_trunc('month', {{ moment }}) {%- endmacro %}

{% macro duckdb__json_text(value) -%} {{ value }}::varchar {%- endmacro %}

{% macro duckdb__json_member(value, key) -%}
    case
        when json_type({{ value }}, '$."{{ key }}"') not in ('OBJECT', 'ARRAY')
            then json_extract_string({{ value }}, '$."{{ key }}"')
    end
{%- endmacro %}

{% macro duckdb__json_number(value, key) -%} try_cast(json_extract_string({{ value }}, '$."{{ key }}"') as double) {%- endmacro %}

{% macro duckdb__is_uuid7(id) -%}
    coalesce(regexp_full_match(
        {{ id }}, '[0-9a-dA-D][0-9a-fA-F]{7}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}'
    ), false)
{%- endmacro %}

{% macro duckdb__uuid7_time(id) -%}
    make_timestamptz(try_cast('0x' || substr({{ id }}, 1, 8) || substr({{ id }}, 10, 4) as bigint) * 1000)
{%- endmacro %}

{% macro duckdb__seconds_time(seconds) -%} make_timestamptz(round({{ seconds }} * 1000000)::bigint) {%- endmacro %}

{% macro duckdb__seconds_between(later, earlier) -%} (epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1e6 {%- endmacro %}

{% macro duckdb__hash_of(columns) -%} hash({{ columns | map(attribute='name') | join(', ') }}) {%- endmacro %}

{% macro duckdb__fingerprint(columns) -%}
    ({{ hash_of(columns) }}::hugeint - 9223372036854775808)::bigint
{%- endmacro %}

{% macro duckdb__row_hash(columns) -%} {{ hash_of(columns) }}::hugeint {%- endmacro %}

{% macro duckdb__hash_sum(columns) -%} coalesce(sum({{ row_hash(columns) }}), 0)::varchar {%- endmacro %}

{% macro duckdb__utc_timestamp(text) -%} cast('{{ text }}' as timestamptz) {%- endmacro %}

{% macro duckdb__hours_array(first, last, hours) -%} generate_series({{ first }}, {{ last }}, interval {{ hours }} hour) {%- endmacro %}

{% macro duckdb__array_rows(array, name) -%} unnest({{ array }}) as array_rows ({{ name }}) {%- endmacro %}

{% macro duckdb__integer() -%} bigint {%- endmacro %}

{% macro duckdb__not_materialized(name) -%} {{ name }} as not materialized {%- endmacro %}
