{#-
    A number that tells whether two rows of tracks hold the same, but for their times. 64 bits: among a billion rows, a
    changed delivery is taken for a known one once in 18 billion times.

    DuckDB may hash in another way after an upgrade. Then no content is known, and what is not known is updated.
-#}
{% macro content_fingerprint() -%} {{ return(fingerprint_of(content_columns())) }} {%- endmacro %}

{#- A number for the values of some columns of tracks, as a signed integer of 64 bits. -#}
{% macro fingerprint_of(names) -%} {{ return(adapter.dispatch('fingerprint_of')(names)) }} {%- endmacro %}

{% macro default__fingerprint_of(names) -%}
    {% do return("(hash(" ~ names | join(", ") ~ ")::hugeint - 9223372036854775808)::bigint") %}
{%- endmacro %}

{#- to_json_string says the same of a value that is absent and of JSON's null, so what is absent is told apart. -#}
{% macro bigquery__fingerprint_of(names) -%}
    {%- set absent = [] -%}
    {%- for name in names if is_json(name) -%}
        {%- do absent.append(name ~ " is null") -%}
    {%- endfor -%}
    {% do return("farm_fingerprint(to_json_string(struct(" ~ (names + absent) | join(", ") ~ ")))") %}
{%- endmacro %}

{#- Whether a column of tracks holds JSON; in a unit test, the model has lost its columns. -#}
{% macro is_json(name) %}
    {%- set columns = tracks_node().columns -%}
    {% do return(name in columns and columns[name].data_type == 'json') %}
{% endmacro %}

{#- All columns of tracks but the time, which follows the first delivery and not the last. -#}
{% macro content_columns() %}
    {% do return(track_columns() | reject('equalto', 'created_at') | list) %}
{% endmacro %}

{#- A number for the event that a row belongs to: null is a value of its own. -#}
{% macro identity_fingerprint(table) -%}
    {{ return(fingerprint_of([table ~ ".event_name", table ~ ".user_id"])) }}
{%- endmacro %}
