{#-
    Where dbt asks for the text of a merge: models that say `meta.merge: by_plan` get the project's own, all others
    the stock one. dbt-duckdb and dbt-bigquery ask at different places, hence two macros for one thing.
-#}
{% macro duckdb__get_incremental_merge_sql(args_dict) %}
    {% if config.get('meta', {}).get('merge') == 'by_plan' %}
        {% do return(merge_by_plan(args_dict['target_relation'], args_dict['temp_relation'])) %}
    {% endif %}
    {% do return(dbt.duckdb__get_incremental_merge_sql(args_dict)) %}
{% endmacro %}

{% macro bigquery__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) %}
    {% if config.get('meta', {}).get('merge') == 'by_plan' %}
        {{ merge_script(target, source) }}
    {% else %}
        {{ default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) }}
    {% endif %}
{% endmacro %}

{#-
    Where dbt asks for the text of a table that is not there yet: such a model's collisions are kept with its rows. The
    loader makes the table, so this is for a bare `dbt build` on a warehouse without it.
-#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {{
        dbt.duckdb__create_table_as(
            temporary, relation, compiled_code, language, partitioned_by=partitioned_by, sorted_by=sorted_by
        )
    }}
    {%- if not temporary and config.get('meta', {}).get('merge') == 'by_plan' %}
    {{ insert_first_collisions() }}
    {%- endif %}
{%- endmacro %}

{% macro bigquery__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {{ dbt.bigquery__create_table_as(temporary, relation, compiled_code, language) }}
    {%- if not temporary and config.get('meta', {}).get('merge') == 'by_plan' %}
    {{ insert_first_collisions() }}
    {%- endif %}
{%- endmacro %}
