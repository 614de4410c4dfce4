{#-
    A model's schema is the table's schema in the warehouse, not a suffix of the target's. A prefix separates
    deployments.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ env_var('TRACKS_BQ_DATASET_PREFIX', '') if target.type == 'bigquery' }}{{ custom_schema_name or target.schema }}
{%- endmacro %}
