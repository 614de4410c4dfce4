{#-
    Carries out a plan on DuckDB, whose MERGE holds every payload of both sides in memory. Here only keys are joined, and
    payloads stream from the source into the table: an event that is stored once is updated by deleting it and inserting
    it again, all in dbt's one transaction. Only duplicates are updated in place, because each row keeps its own time.
-#}
{% macro merge_statements(merge, table, plan_query) %}
    create or replace temp table merge_plan as
    {{ plan_query }};

    update {{ table }} as stored set
        {{ merge.time }} = {{ earlier_of('stored.' ~ merge.time, 'plan.planned_time') }}
    from merge_plan as plan
    where {{ same_key(merge, 'stored', 'plan') }} and plan.merge_action = 'restore_time';

    update {{ table }} as stored set
        {{ content_of(merge, 'delivery') | indent(8) }}
        {{ merge.time }} = {{ earlier_of('stored.' ~ merge.time, 'delivery.' ~ merge.time) }}
    from (
        {{ rows_of_plan(merge, 'merge_plan', "merge_action = 'update' and copy_count > 1") | indent(8) }}
    ) as delivery
    where {{ same_key(merge, 'stored', 'delivery') }};

    delete from {{ table }}
    where {{ key_of(merge) }} in (
        select {{ key_of(merge, 'plan') }} from merge_plan as plan
        where plan.merge_action = 'update' and plan.copy_count = 1
    );

    insert into {{ table }} ({{ merge.columns | join(', ') }})
    select {{ merge.columns | join(', ') }}
    from (
        {{ rows_of_plan(merge, 'merge_plan', "merge_action in ('insert', 'update') and copy_count <= 1") | indent(8) }}
    ) as delivery;

    insert into {{ merge_table(merge, 'contents') }} (content)
    select {{ content_fingerprint(merge) }} as content
    from (
        {{ rows_of_plan(merge, 'merge_plan', "merge_action in ('insert', 'update')") | indent(8) }}
    ) as delivery;

    {{ record_repeats(merge) | indent(4) }};

    {{ settle_collisions(merge, table) | indent(4) }};

    {{ log_merge(merge) | indent(4) }}
{% endmacro %}
