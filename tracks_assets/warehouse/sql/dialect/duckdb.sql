{#- What DuckDB says in its own way; bigquery.sql beside this says the same for BigQuery. -#}

{% macro hours_after(moment, hours) -%} {{ moment }} + to_hours({{ hours }}) {%- endmacro %}

{% macro hour_of(moment) -%} date_trunc('hour', {{ moment }}) {%- endmacro %}

{% macro day_of(moment) -%} date_trunc('day', {{ moment }}) {%- endmacro %}

{% macro month_of(moment) -%} date_trunc('month', {{ moment }}) {%- endmacro %}

{% macro json_text(value) -%} {{ value }}::varchar {%- endmacro %}

{#- A text at the top level of a JSON object, null where there is none. -#}
{% macro json_member(value, key) -%}
    case
        when json_type({{ value }}, '$."{{ key }}"') not in ('OBJECT', 'ARRAY')
            then json_extract_string({{ value }}, '$."{{ key }}"')
    end
{%- endmacro %}

{#- A number at the top level of a JSON object, null where there is none. -#}
{% macro json_number(value, key) -%} try_cast(json_extract_string({{ value }}, '$."{{ key }}"') as double) {%- endmacro %}

{#-
    Half of RFC 9562's UUIDv7: version 7 and its variant; the first 48 bits are Unix milliseconds. An id from e or f on
    would carry the year 9774 or a later one, up to 10889, which BigQuery has no time for: it carries no time.
-#}
{% macro is_uuid7(id) -%}
    coalesce(regexp_full_match(
        {{ id }}, '[0-9a-dA-D][0-9a-fA-F]{7}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}'
    ), false)
{%- endmacro %}

{#- The time that an id carries; only to be asked where is_uuid7 holds. -#}
{% macro uuid7_time(id) -%}
    make_timestamptz(try_cast('0x' || substr({{ id }}, 1, 8) || substr({{ id }}, 10, 4) as bigint) * 1000)
{%- endmacro %}

{#- Unix seconds, with a fraction, as a moment. -#}
{% macro seconds_time(seconds) -%} make_timestamptz(round({{ seconds }} * 1000000)::bigint) {%- endmacro %}

{% macro seconds_between(later, earlier) -%} (epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1e6 {%- endmacro %}

{#- A number that tells whether two rows are the same; it sums up over any number of rows. -#}
{% macro row_hash(columns) -%}
    hash({{ columns | map(attribute='name') | join(', ') }})::hugeint
{%- endmacro %}

{#- The sum of row hashes as text, for no column type of both engines holds it. -#}
{% macro hash_sum(columns) -%} coalesce(sum({{ row_hash(columns) }}), 0)::varchar {%- endmacro %}

{#- Which event a row belongs to, as a value that is never null; a table's name may come before the columns. -#}
{% macro identity(table='') -%} hash({{ table }}event_name, {{ table }}user_id) {%- endmacro %}
