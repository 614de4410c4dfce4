{#- A number that shows whether two rows hold the same content, which is all columns but the time. -#}
{% macro content_fingerprint(merge) -%} {{ fingerprint_of(merge, merge.content_columns) }} {%- endmacro %}

{#- A number for the event that a row belongs to. -#}
{% macro identity_fingerprint(merge, table) -%} {{ identity(table, merge.identity) }} {%- endmacro %}

{#- A number for the values of some columns of a model. -#}
{% macro fingerprint_of(merge, names) -%}
    {%- set columns = [] -%}
    {%- for name in names -%}
        {%- do columns.append({'name': name, 'type': 'JSON' if name in merge.json_columns else ''}) -%}
    {%- endfor -%}
    {{ fingerprint(columns) }}
{%- endmacro %}
