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
        {% call statement('merge_by_plan', fetch_result=true, auto_begin=false) %}
            {{ merge_script(target, source) }}
        {% endcall %}
        {% set done = load_result('merge_by_plan') %}
        {% do log_counts(done.table.rows) %}
        {% do log_cost(done.response) %}
        {#- dbt runs a statement of its own after this one, when everything is done. -#}
        select 1 as merged
    {% else %}
        {{ default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) }}
    {% endif %}
{% endmacro %}
