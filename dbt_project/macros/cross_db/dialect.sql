{#-
    What the engines write differently: `<engine>__<name>` in the file of each engine. dbt's models use these macros, and
    the package's own statements do, as `dialect.<name>` (tracks_assets/warehouse/statements.py). So they use nothing of
    dbt but `adapter.dispatch`.
-#}

{#- A moment some hours later, or earlier if the number is negative. -#}
{% macro hours_after(moment, hours) -%} {{ adapter.dispatch('hours_after')(moment, hours) }} {%- endmacro %}

{#- A moment's hour, day and month, in UTC. -#}
{% macro hour_of(moment) -%} {{ adapter.dispatch('hour_of')(moment) }} {%- endmacro %}

{% macro day_of(moment) -%} {{ adapter.dispatch('day_of')(moment) }} {%- endmacro %}

{% macro month_of(moment) -%} {{ adapter.dispatch('month_of')(moment) }} {%- endmacro %}

{#- The text of a JSON value; null where there is none. -#}
{% macro json_text(value) -%} {{ adapter.dispatch('json_text')(value) }} {%- endmacro %}

{#- A text at the top level of a JSON object, null where there is none. -#}
{% macro json_member(value, key) -%} {{ adapter.dispatch('json_member')(value, key) }} {%- endmacro %}

{#- A number at the top level of a JSON object, null where there is none. -#}
{% macro json_number(value, key) -%} {{ adapter.dispatch('json_number')(value, key) }} {%- endmacro %}

{#-
    Half of RFC 9562's UUIDv7: version 7 and its variant; the first 48 bits are Unix milliseconds. An id from e or f on
    would carry the year 9774 or a later one, up to 10889, which BigQuery has no time for: it carries no time.
-#}
{% macro is_uuid7(id) -%} {{ adapter.dispatch('is_uuid7')(id) }} {%- endmacro %}

{#- The time that an id carries; only to be asked where is_uuid7 holds. -#}
{% macro uuid7_time(id) -%} {{ adapter.dispatch('uuid7_time')(id) }} {%- endmacro %}

{#- Unix seconds, with a fraction, as a moment. -#}
{% macro seconds_time(seconds) -%} {{ adapter.dispatch('seconds_time')(seconds) }} {%- endmacro %}

{#- Seconds, with a fraction. -#}
{% macro seconds_between(later, earlier) -%} {{ adapter.dispatch('seconds_between')(later, earlier) }} {%- endmacro %}

{#- A number for the values of columns, each with a name and a type; null is a value of its own. -#}
{% macro hash_of(columns) -%} {{ adapter.dispatch('hash_of')(columns) }} {%- endmacro %}

{#-
    The same as a signed integer of 64 bits, to be stored. Among a billion rows, a changed one is taken for a known one once in
    18 billion times. DuckDB may hash differently after an upgrade.
-#}
{% macro fingerprint(columns) -%} {{ adapter.dispatch('fingerprint')(columns) }} {%- endmacro %}

{#- The same, wide enough to sum up over any number of rows. -#}
{% macro row_hash(columns) -%} {{ adapter.dispatch('row_hash')(columns) }} {%- endmacro %}

{#- The sum of row hashes as text, because no column type of both engines holds it. -#}
{% macro hash_sum(columns) -%} {{ adapter.dispatch('hash_sum')(columns) }} {%- endmacro %}

{#- A moment, given as text with its offset. -#}
{% macro utc_timestamp(text) -%} {{ adapter.dispatch('utc_timestamp')(text) }} {%- endmacro %}

{#- The moments from one to another, some hours apart, as an array. -#}
{% macro hours_array(first, last, hours=1) -%} {{ adapter.dispatch('hours_array')(first, last, hours) }} {%- endmacro %}

{#- The elements of an array as rows of one column. -#}
{% macro array_rows(array, name) -%} {{ adapter.dispatch('array_rows')(array, name) }} {%- endmacro %}

{#- The type of an integer of 64 bits. -#}
{% macro integer() -%} {{ adapter.dispatch('integer')() }} {%- endmacro %}

{#- The head of a subquery that is not to be materialized, on an engine that would. -#}
{% macro not_materialized(name) -%} {{ adapter.dispatch('not_materialized')(name) }} {%- endmacro %}
