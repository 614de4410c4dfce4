{#-
    The materialization event_merge, for a model whose query is made by the macro of the same name. settings.sql lists
    what it is configured with, plan.sql decides, and duckdb.sql and bigquery.sql carry the plan out.

    The table is never rebuilt, because it may hold rows that no delivery would bring back. A merge is one transaction:
    the rows, what the merge keeps of them, the collisions and the log.
-#}
{% materialization event_merge, adapter='duckdb', supported_languages=['sql'] -%}
    {%- set merge = configured_merge() -%}
    {%- set is_merge = merges_into_table() -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if not is_merge -%}
        {{ drop_relation_if_exists(existing_relation) }}
    {%- endif -%}

    {%- call statement('main') -%}
        {{ (merge_statements if is_merge else first_statements)(merge, target_relation, compiled_code) }}
    {%- endcall -%}

    {%- if not is_merge -%}
        {%- do create_indexes(target_relation) -%}
    {%- endif -%}
    {%- set should_revoke = should_revoke(existing_relation, full_refresh_mode=not is_merge) -%}
    {%- do apply_grants(target_relation, config.get('grants'), should_revoke=should_revoke) -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{#- dbt has no transactions on BigQuery: the script of a merge begins and commits its own. -#}
{% materialization event_merge, adapter='bigquery', supported_languages=['sql'] -%}
    {%- set merge = configured_merge() -%}
    {%- set is_merge = merges_into_table() -%}
    {%- set existing_relation = load_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks) }}
    {%- if not is_merge -%}
        {{ drop_relation_if_exists(existing_relation) }}
    {%- endif -%}

    {%- call statement('main') -%}
        {{ (merge_script if is_merge else first_statements)(merge, target_relation, compiled_code) }}
    {%- endcall -%}

    {{ run_hooks(post_hooks) }}
    {%- set should_revoke = should_revoke(existing_relation, full_refresh_mode=not is_merge) -%}
    {%- do apply_grants(target_relation, config.get('grants'), should_revoke=should_revoke) -%}
    {%- do persist_docs(target_relation, model) -%}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}
