{#-
    A number that tells whether two rows of tracks hold the same, but for their times. 64 bits: among a billion rows, a
    changed delivery is taken for a known one once in 18 billion times.

    DuckDB may hash in another way after an upgrade. Then no content is known, and what is not known is updated.
-#}
{% macro content_fingerprint() -%} {{ return(adapter.dispatch('content_fingerprint')()) }} {%- endmacro %}

{% macro default__content_fingerprint() -%}
    {% do return("(hash(" ~ content_columns() | join(", ") ~ ")::hugeint - 9223372036854775808)::bigint") %}
{%- endmacro %}

{#- to_json_string says the same of a value that is absent and of JSON's null, so what is absent is told apart. -#}
{% macro bigquery__content_fingerprint() -%}
    {%- set absent = [] -%}
    {%- for name in content_columns() if tracks_node().columns[name].data_type == 'json' -%}
        {%- do absent.append(name ~ " is null") -%}
    {%- endfor -%}
    {% do return("farm_fingerprint(to_json_string(struct(" ~ (content_columns() + absent) | join(", ") ~ ")))") %}
{%- endmacro %}

{#- All columns of tracks but the time, which follows the first delivery and not the last. -#}
{% macro content_columns() %}
    {% do return(track_columns() | reject('equalto', 'created_at') | list) %}
{% endmacro %}
