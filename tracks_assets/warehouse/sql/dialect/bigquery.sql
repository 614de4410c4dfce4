{#- What BigQuery says in its own way; duckdb.sql beside this says the same for DuckDB. -#}

{% macro hours_after(moment, hours) -%} timestamp_add({{ moment }}, interval {{ hours }} hour) {%- endmacro %}

{#- The zone is said each time, for a project may have a default of its own. -#}
{% macro hour_of(moment) -%} timestamp_trunc({{ moment }}, hour, 'UTC') {%- endmacro %}

{% macro day_of(moment) -%} timestamp_trunc({{ moment }}, day, 'UTC') {%- endmacro %}

{% macro month_of(moment) -%} timestamp_trunc({{ moment }}, month, 'UTC') {%- endmacro %}

{#- Null where there is no value; to_json_string would say 'null', as it does of JSON's own null. -#}
{% macro json_text(value) -%} if({{ value }} is null, null, to_json_string({{ value }})) {%- endmacro %}

{#- A text at the top level of a JSON object, null where there is none. -#}
{% macro json_member(value, key) -%} json_value({{ value }}, '$."{{ key }}"') {%- endmacro %}

{#- A number at the top level of a JSON object, null where there is none. -#}
{% macro json_number(value, key) -%} safe_cast(json_value({{ value }}, '$."{{ key }}"') as float64) {%- endmacro %}

{#-
    Half of RFC 9562's UUIDv7: version 7 and its variant; the first 48 bits are Unix milliseconds. An id from e or f on
    would carry the year 9774 or a later one, up to 10889, which BigQuery has no time for: it carries no time.
-#}
{% macro is_uuid7(id) -%}
    coalesce(regexp_contains(
        {{ id }}, r'^[0-9a-dA-D][0-9a-fA-F]{7}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$'
    ), false)
{%- endmacro %}

{#- The time that an id carries; only to be asked where is_uuid7 holds. -#}
{% macro uuid7_time(id) -%}
    timestamp_millis(safe_cast(concat('0x', substr({{ id }}, 1, 8), substr({{ id }}, 10, 4)) as int64))
{%- endmacro %}

{#- Unix seconds, with a fraction, as a moment. -#}
{% macro seconds_time(seconds) -%} timestamp_micros(cast(round({{ seconds }} * 1000000) as int64)) {%- endmacro %}

{% macro seconds_between(later, earlier) -%} timestamp_diff({{ later }}, {{ earlier }}, microsecond) / 1e6 {%- endmacro %}

{#-
    A number that tells whether two rows are the same; it sums up over any number of rows. to_json_string says the same
    of a value that is absent and of JSON's null, so what is absent is told apart.
-#}
{% macro row_hash(columns) -%}
    cast(farm_fingerprint(to_json_string(struct(
        {{ columns | map(attribute='name') | join(', ') }}
        {%- for column in columns if column.type == 'JSON' %}, {{ column.name }} is null {%- endfor -%}
    ))) as bignumeric)
{%- endmacro %}

{#- The sum of row hashes as text, for no column type of both engines holds it. -#}
{% macro hash_sum(columns) -%} cast(coalesce(sum({{ row_hash(columns) }}), 0) as string) {%- endmacro %}

{#- Which event a row belongs to, as a value that is never null; a table's name may come before the columns. -#}
{% macro identity(table='') -%} to_json_string(struct({{ table }}event_name, {{ table }}user_id)) {%- endmacro %}
