{#-
    Where dbt asks for the text of a merge: models that say `meta.merge: by_plan` get the project's own, all others
    the stock one. dbt-duckdb and dbt-bigquery ask at different places, hence two macros for one thing.
-#}
{% macro duckdb__get_incremental_merge_sql(args_dict) %}
    {% if config.get('meta', {}).get('merge') == 'by_plan' %}
        {% do report_plan(args_dict['temp_relation']) %}
        {% do return(merge_by_plan(args_dict['target_relation'], args_dict['temp_relation'])) %}
    {% endif %}
    {% do return(dbt_duckdb.duckdb__get_incremental_merge_sql(args_dict)) %}
{% endmacro %}

{% macro bigquery__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) %}
    {% if config.get('meta', {}).get('merge') == 'by_plan' %}
        {% set plan = make_temp_relation(this, '__merge_plan') %}
        {% do run_query(bigquery__create_table_as(true, plan, "select * from " ~ source)) %}
        {% do report_plan(plan) %}
        {{ merge_by_plan(target, plan) }}
    {% else %}
        {{ default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) }}
    {% endif %}
{% endmacro %}
