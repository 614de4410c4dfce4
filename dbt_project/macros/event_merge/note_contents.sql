{#-
    `dbt run-operation note_contents`: notes the stored contents of a table that no merge of this pipeline wrote. What is
    not noted is updated by its first newer re-delivery, and on BigQuery billed for its full day.

    It reads all of the table, once; to run it again is safe. Events that are stored twice are left out: once a dedup has
    removed a row, nothing of it may be taken for the current row.
-#}
{% macro note_contents(model_name='posthog_tracks') %}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ model_name] -%}
    {% call statement('note_contents', auto_begin=false) %}
        {{ insert_stored_contents(event_merge_of(node.config.meta.event_merge, node), ref(model_name)) }}
    {% endcall %}
{% endmacro %}

{% macro insert_stored_contents(merge, table) -%}
insert into {{ merge_table(merge, 'contents') }} (content)
select content
from (
    select {{ content_fingerprint(merge) }} as content
    from {{ table }}
    where {{ key_of(merge) }} not in (
        select {{ key_of(merge) }} from {{ table }}
        where {{ merge.unique_key[0] }} is not null
        group by {{ key_columns(merge) }}
        having count(*) > 1
    )
) as stored
where content not in (select content from {{ merge_table(merge, 'contents') }})
{%- endmacro %}
