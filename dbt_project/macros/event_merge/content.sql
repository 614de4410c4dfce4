{#-
    A number that tells whether two rows hold the same content, which is all columns but the time. 64 bits: among a
    billion rows, a changed delivery is taken for a known one once in 18 billion times.

    DuckDB may hash differently after an upgrade. Then no content is known, and what is not known is updated.
-#}
{% macro content_fingerprint(merge) -%}
    {{ return(fingerprint_of(merge.content_columns, merge.json_columns)) }}
{%- endmacro %}

{#- A number for the event that a row belongs to: null is a value of its own. -#}
{% macro identity_fingerprint(merge, table) -%}
    {%- set names = [] -%}
    {%- for column in merge.identity -%} {%- do names.append(table ~ "." ~ column) -%} {%- endfor -%}
    {{ return(fingerprint_of(names, [])) }}
{%- endmacro %}

{#- A number for the values of some columns, as a signed integer of 64 bits. -#}
{% macro fingerprint_of(names, json_names) -%}
    {{ return(adapter.dispatch('fingerprint_of')(names, json_names)) }}
{%- endmacro %}

{% macro default__fingerprint_of(names, json_names) -%}
    {% do return("(hash(" ~ names | join(", ") ~ ")::hugeint - 9223372036854775808)::bigint") %}
{%- endmacro %}

{#- to_json_string has the same text for an absent value and for JSON's null, so what is absent is listed too. -#}
{% macro bigquery__fingerprint_of(names, json_names) -%}
    {%- set absent = [] -%}
    {%- for name in names if name in json_names -%}
        {%- do absent.append(name ~ " is null") -%}
    {%- endfor -%}
    {% do return("farm_fingerprint(to_json_string(struct(" ~ (names + absent) | join(", ") ~ ")))") %}
{%- endmacro %}
