{#-
    The rows of an event_merge table as they will be once all deliveries of its source are merged: the table, and the
    tail of deliveries that no merge has seen yet.

    The rules are those of the merge, because the text is: plan.sql compares the tail with the table, and collisions.sql
    settles the keys that collide. Only what the merge notes for itself is left out. So where a newer delivery changes
    nothing, the row has that delivery's stamps here, and keeps its own in the table.

    A delivery belongs to the tail if it was loaded after the last merge of its export hour.
-#}
{% macro live_rows(settings_of_merge, table, tail_hours) -%}
{%- set merge = live_settings(settings_of_merge, table, tail_hours) -%}
{%- if target.type == 'duckdb' -%}
{{ columns_on_demand(merge, live_query(merge)) }}
{%- else -%}
{{ live_query(merge) }}
{%- endif -%}
{%- endmacro %}

{#-
    A query whose unused columns DuckDB leaves out even for a count(*), which it does below a union only. Without this
    empty one, a count(*) reads every column, payloads too.
-#}
{% macro columns_on_demand(merge, query) -%}
select {{ merge.columns | join(', ') }}
from (
    {{ query | indent(4) }}
) as live
union all
select {{ merge.columns | join(', ') }}
from {{ merge.table }}
where false
{%- endmacro %}

{#- The text of live_rows, as every engine takes it. -#}
{% macro live_query(merge) -%}
{%- set table = merge.table -%}
with

{{ compared_deliveries(merge) }},

plan as (
    select
        {{ key_columns(merge) }},
        delivery_count,
        copy_count,
        {{ planned_time() | indent(8) }} as planned_time,
        case
            when is_colliding then 'settle'
            when copy_count = 0 then 'insert'
            when is_newer then 'update'
            when is_original then 'restore_time'
            else 'unchanged'
        end as merge_action
    from compared
),

-- DuckDB leaves rows out by their number, and so reads the ids of the table once.
changed_rows as (
    select {{ "known.row_id" if target.type == 'duckdb' else key_columns(merge, 'known') }}
    from known
    inner join plan on {{ same_key(merge, 'known', 'plan') }}
    where plan.merge_action in ('update', 'restore_time', 'settle')
),

colliding_keys as (
    select {{ key_columns(merge) }} from plan
    where merge_action = 'settle'
),

stored_rows as (
    {{ stored_rows_query(merge) | indent(4) }}
),

known_deliveries as (
    {{ known_deliveries_query(merge) | indent(4) }}
),

settled_events as (
    {{ settled_events_query(merge) | indent(4) }}
),

settled_rows as (
    {{ settled_rows_query(merge) | indent(4) }}
),

written_rows as (
    {{
        rows_of_plan(merge, 'plan', "merge_action in ('insert', 'update') and copy_count <= 1") | indent(4)
    }}
),

duplicate_contents as (
    {{ rows_of_plan(merge, 'plan', "merge_action = 'update' and copy_count > 1") | indent(4) }}
),

final as (
    select {{ merge.columns | join(', ') }}
    from {{ table }} as stored
    where not exists (
        select 1 from changed_rows
        where
            {{
                row_id('stored') ~ " = changed_rows.row_id" if target.type == 'duckdb'
                else same_key(merge, 'stored', 'changed_rows')
            }}
    )
    union all
    select {{ merge.columns | join(', ') }}
    from written_rows
    union all
    select {{ merge.columns | join(', ') }}
    from settled_rows
    union all
    select
        {% for column in merge.columns %}
        {{
            earlier_of('stored.' ~ column, 'plan.planned_time') ~ " as " ~ column
            if column == merge.time else "stored." ~ column
        }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ table }} as stored
    inner join plan on {{ same_key(merge, 'stored', 'plan') }}
    where plan.merge_action = 'restore_time'
    union all
    select
        {% for column in merge.columns %}
        {{
            earlier_of('stored.' ~ column, 'delivery.' ~ column) ~ " as " ~ column
            if column == merge.time else "delivery." ~ column
        }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ table }} as stored
    inner join duplicate_contents as delivery on {{ same_key(merge, 'stored', 'delivery') }}
)

select * from final
{%- endmacro %}

{#-
    The settings of a merge, for a view on its table. BigQuery prunes partitions by a constant only, and takes the current
    time for one: so `tail_hours` bounds what the view reads of the source, and what it is billed.
-#}
{% macro live_settings(settings_of_merge, table, tail_hours) %}
    {%- set oldest = hours_after('current_timestamp', '-' ~ tail_hours) -%}
    {%- set since = settings_of_merge.window ~ " >= " ~ oldest if tail_hours -%}
    {%- set only = unmerged(settings_of_merge) ~ (" and " ~ since if since) -%}
    {% do return(dict(settings_of_merge, table=table, only=only, since=since)) %}
{% endmacro %}

{#- Whether a delivery was loaded after the last merge of its hour. -#}
{% macro unmerged(merge) -%}
not exists (
    select 1
    from (
        select
            window_start as merged_hour,
            merged_at
        from {{ merge_table(merge, 'log') }}
    ) as merged
    where merged.merged_hour = {{ merge.window }} and merged.merged_at > {{ merge.loaded_at }}
)
{%- endmacro %}
