{#-
    The comment before each statement, and on BigQuery becomes the labels of its job: which pipeline and table it is
    for, and which run of Dagster's it belongs to. Read when a statement is sent, so that nothing is parsed again.
-#}
{% macro tracks_query_comment(node) %}
    {%- set labels = {
        "pipeline": "tracks",
        "asset": node.alias if node and node.alias else "dbt",
        "partition": env_var("TRACKS_PARTITION_LABEL", ""),
        "run": env_var("TRACKS_RUN_LABEL", ""),
    } -%}
    {{- return(tojson(labels)) -}}
{% endmacro %}
