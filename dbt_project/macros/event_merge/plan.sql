{#-
    The query of an event_merge model.

    On an existing table it is a plan: one row for each key of the window, with what the merge is to do with it and the
    time that its event has afterwards. The plan reads keys only, never a payload of the table, and looks keys up in the
    full table. The materialization carries it out. On a missing table the query gives the rows themselves.
-#}
{% macro event_merge(settings) -%}
    {%- set merge = event_merge_of(settings) -%}
    {{ merge_plan_query(merge) if merges_into_table() else first_rows_query(merge) }}
{%- endmacro %}

{#- Whether the table exists: what dbt's is_incremental says of its own materialization. -#}
{% macro merges_into_table() %}
    {%- if not execute -%}{%- do return(false) -%}{%- endif -%}
    {%- set relation = load_relation(this) -%}
    {% do return(relation is not none and relation.type == 'table') %}
{% endmacro %}

{#- The window's deliveries by key, and of each key the first and the last. -#}
{% macro window_deliveries(merge) -%}
delivered as (
    select * from {{ merge_source(merge) }}
    where
        {{ since_cutover(merge) }}
        and {{ in_merge_window(merge) }}
),

deliveries as (
    select
        {% for column in (merge.unique_key + [merge.time] + merge.identity) | unique(case_sensitive=true) %}
        {{ column }},
        {% endfor %}
        {{ identity_fingerprint(merge, 'delivered') }} as identity,
        coalesce({{ merge.inserted_at }}, {{ long_ago() }}) as inserted_at,
        {{ merge.loaded_at }} as ingested_at,
        {{ merge.window }} as window_start
    from delivered
),

numbered as (
    select
        {{ key_columns(merge) }},
        {{ merge.time }} as delivered_time,
        identity,
        inserted_at,
        ingested_at,
        window_start,
        count(*) over (partition by {{ key_columns(merge) }}) as delivery_count,
        min(identity) over (partition by {{ key_columns(merge) }})
        != max(identity) over (partition by {{ key_columns(merge) }}) as is_mixed,
        row_number() over (
            partition by {{ key_columns(merge) }}
            order by
                inserted_at asc,
                {{ merge.time }} asc
                {%- for column in merge.identity -%},
                {{ column }} asc nulls last
                {%- endfor %}
        ) as from_first,
        row_number() over (
            partition by {{ key_columns(merge) }} order by inserted_at desc, ingested_at desc, window_start desc
        ) as from_last
    from deliveries
),

first_deliveries as (
    select * from numbered
    where from_first = 1
),

last_deliveries as (
    select * from numbered
    where from_last = 1
)
{%- endmacro %}

{#-
    A delivery is compared with the last one that is known of its event: the one whose content is stored, or a later one
    that had the same content and so changed nothing (`redelivered`). The row that a newer delivery would make is looked
    up among the rows that merges wrote (`contents`): where it is found, the content is stored already. What no merge
    wrote is not found and is updated, so nothing depends on these tables being complete. A manual change of the table's
    content must set the column of the load's time to null: then the row is no longer the one that was written.

    A window that delivers a key as several events, or as another event than the table holds, is a collision: the plan
    says 'settle', and settle_collisions decides. DuckDB finds the stored event by the row's number, at no cost. BigQuery
    would bill the identity columns of the full table, so there the merge looks on the days of the few keys that may
    collide: a re-delivery whose content is known is of the same event.
-#}
{% macro compared_deliveries(merge) -%}
{%- set stored_order -%}
    redelivered.stored_inserted_at, redelivered.stored_ingested_at
{%- endset -%}
{{ window_deliveries(merge) }},

-- Without an alias in the FROM clause, because `dbt run --empty` puts a subquery with an alias of its own there.
redelivered as (
    select
        {{ key_columns(merge) }},
        {{ merge.inserted_at }} as inserted_at,
        {{ merge.loaded_at }} as ingested_at,
        stored_inserted_at,
        stored_ingested_timestamp as stored_ingested_at
    from {{ merge_table(merge, 'redelivered') if merge.only else source(*merge.tables.redelivered) }}
),

-- The newest delivery that repeated a row, for the events of the window.
repeats as (
    select
        redelivered.*,
        row_number() over (
            partition by {{ key_columns(merge, 'redelivered') }}, {{ stored_order }}
            order by coalesce(redelivered.inserted_at, {{ long_ago() }}) desc, redelivered.ingested_at desc
        ) as from_last
    from redelivered
    inner join last_deliveries on {{ same_key(merge, 'redelivered', 'last_deliveries') }}
),

last_repeats as (
    select * from repeats
    where from_last = 1
),

known as (
    select
        {{ key_columns(merge, 'stored') }},
        stored.{{ merge.time }} as stored_time,
        stored.{{ merge.inserted_at }} as stored_inserted_at,
        stored.{{ merge.loaded_at }} as stored_ingested_at,
        {% if target.type == 'duckdb' %}
        {{ row_id('stored') }} as row_id,
        {% elif reads_identities(merge) %}
        {{ identity_fingerprint(merge, 'stored') }} as identity,
        {% endif %}
        coalesce(last_repeats.inserted_at, stored.{{ merge.inserted_at }}, {{ long_ago() }}) as inserted_at,
        coalesce(last_repeats.ingested_at, stored.{{ merge.loaded_at }}, {{ long_ago() }}) as ingested_at
    from {{ merged_table(merge) }} as stored
    inner join last_deliveries on {{ same_key(merge, 'stored', 'last_deliveries') }}
    left join last_repeats
        on
            {{ same_key(merge, 'stored', 'last_repeats') }}
            and coalesce(stored.{{ merge.inserted_at }}, {{ long_ago() }})
            = coalesce(last_repeats.stored_inserted_at, {{ long_ago() }})
            and coalesce(stored.{{ merge.loaded_at }}, {{ long_ago() }})
            = coalesce(last_repeats.stored_ingested_at, {{ long_ago() }})
    {%- if target.type == 'bigquery' and merge.is_timed_key %}

    where timestamp_trunc(stored.{{ merge.time }}, day) in unnest(batch_days)
    {%- endif %}
),

duplicate_rows as (
    select
        {{ key_columns(merge) }},
        stored_inserted_at,
        stored_ingested_at,
        inserted_at,
        ingested_at,
        max(stored_time) over (partition by {{ key_columns(merge) }}) as stored_time,
        min(stored_time) over (partition by {{ key_columns(merge) }}) as stored_earliest_time,
        count(*) over (partition by {{ key_columns(merge) }}) as copy_count,
        row_number() over (
            partition by {{ key_columns(merge) }} order by inserted_at desc, ingested_at desc
        ) as from_last
    from known
),

current_rows as (
    select * from duplicate_rows
    where from_last = 1
),

{% if target.type == 'duckdb' %}

stored_identities as (
    select
        {{ row_id('stored') }} as row_id,
        {{ identity_fingerprint(merge, 'stored') }} as identity
    from {{ merged_table(merge) }} as stored
    where {{ row_id('stored') }} in (select known.row_id from known)
),

{% endif %}

-- Keys of the window that are in the table as another event.
other_events as (
    {% if target.type == 'duckdb' %}
    select distinct {{ key_columns(merge, 'known') }}
    from known
    inner join stored_identities on known.row_id = stored_identities.row_id
    inner join last_deliveries on {{ same_key(merge, 'known', 'last_deliveries') }}
    where stored_identities.identity != last_deliveries.identity
    {% elif reads_identities(merge) %}
    select distinct {{ key_columns(merge, 'known') }}
    from known
    inner join last_deliveries on {{ same_key(merge, 'known', 'last_deliveries') }}
    where known.identity != last_deliveries.identity
    {% else %}
    select {{ key_columns(merge) }} from last_deliveries
    where false
    {% endif %}
),

compared as (
    select
        {{ key_columns(merge, 'last_deliveries') }},
        last_deliveries.window_start,
        last_deliveries.delivery_count,
        last_deliveries.identity,
        last_deliveries.is_mixed or other_events.{{ merge.unique_key[0] }} is not null as is_colliding,
        last_deliveries.inserted_at,
        last_deliveries.ingested_at,
        first_deliveries.delivered_time as first_time,
        current_rows.stored_time,
        current_rows.stored_earliest_time,
        current_rows.stored_inserted_at,
        current_rows.stored_ingested_at,
        coalesce(current_rows.copy_count, 0) as copy_count,
        last_deliveries.inserted_at > current_rows.inserted_at
        or (
            last_deliveries.inserted_at = current_rows.inserted_at
            and last_deliveries.ingested_at > current_rows.ingested_at
        ) as is_newer,
        (
            first_deliveries.inserted_at < current_rows.inserted_at
            or current_rows.inserted_at = {{ long_ago() }}
        )
        and first_deliveries.delivered_time < current_rows.stored_time as is_original
    from last_deliveries
    inner join first_deliveries on {{ same_key(merge, 'last_deliveries', 'first_deliveries') }}
    left join current_rows on {{ same_key(merge, 'last_deliveries', 'current_rows') }}
    left join other_events on {{ same_key(merge, 'last_deliveries', 'other_events') }}
)
{%- endmacro %}

{#-
    Whether the plan reads the events of the stored rows together with their keys. DuckDB reads them afterwards by the
    rows' numbers, and a merge on BigQuery on the days that it names (bigquery.sql). Every other engine reads them here.
-#}
{% macro reads_identities(merge) %}
    {% do return(merge.only or target.type != 'bigquery') %}
{% endmacro %}

{#- The plan: what is to be done with each key, after a look at what its content would change. -#}
{% macro merge_plan_query(merge) -%}
with

{{ compared_deliveries(merge) }},

-- The current row would be this, if its content were that of the delivery.
changes as (
    select
        {{ key_columns(merge) }},
        delivery_count,
        stored_time as planned_time,
        stored_inserted_at,
        stored_ingested_at,
        'update' as merge_action
    from compared
    where is_newer and copy_count = 1 and not is_colliding
),

changed_contents as (
    select
        {{ key_columns(merge) }},
        {{ content_fingerprint(merge) }} as content
    from (
        {{
            rows_of_plan(
                merge,
                'changes',
                "true",
                of_plan={merge.inserted_at: 'stored_inserted_at', merge.loaded_at: 'stored_ingested_at'}
            ) | indent(8)
        }}
    ) as changed
),

known_contents as (
    select distinct content
    from {{ source(*merge.tables.contents) }}
    where content in (select changed_contents.content from changed_contents)
),

unchanged as (
    select {{ key_columns(merge, 'changed_contents') }}
    from changed_contents
    inner join known_contents on changed_contents.content = known_contents.content
),

final as (
    select
        {{ key_columns(merge, 'compared') }},
        compared.window_start,
        compared.delivery_count,
        compared.copy_count,
        compared.identity,
        compared.is_colliding,
        compared.copy_count > 0
        and not compared.is_colliding
        and unchanged.{{ merge.unique_key[0] }} is null as may_collide,
        compared.inserted_at,
        compared.ingested_at,
        compared.stored_earliest_time,
        compared.stored_time,
        compared.stored_inserted_at,
        compared.stored_ingested_at,
        unchanged.{{ merge.unique_key[0] }} is not null as is_repeat,
        case
            when compared.is_colliding then 'settle'
            when compared.copy_count = 0 then 'insert'
            when compared.is_newer and unchanged.{{ merge.unique_key[0] }} is null then 'update'
            when compared.is_original then 'restore_time'
            else 'unchanged'
        end as merge_action,
        {{ planned_time() | indent(8) }} as planned_time
    from compared
    left join unchanged on {{ same_key(merge, 'compared', 'unchanged') }}
)

select * from final
{%- endmacro %}

{#- The time that an event has afterwards. -#}
{% macro planned_time() -%}
case
    when compared.copy_count > 0 and not compared.is_original then compared.stored_time
    else compared.first_time
end
{%- endmacro %}

{#- The table: that of the model being built, or the one that a view adds its deliveries to (live.sql). -#}
{% macro merged_table(merge) %}
    {% do return(merge.table or this) %}
{% endmacro %}

{#- Every event of the window once, at its time, with the content of its last delivery. -#}
{% macro first_rows_query(merge) -%}
with

{{ window_deliveries(merge) }},

plan as (
    select
        {{ key_columns(merge, 'last_deliveries') }},
        last_deliveries.window_start,
        last_deliveries.delivery_count,
        first_deliveries.identity,
        'insert' as merge_action,
        first_deliveries.delivered_time as planned_time
    from last_deliveries
    inner join first_deliveries on {{ same_key(merge, 'last_deliveries', 'first_deliveries') }}
),

planned_rows as (
    {{ rows_of_plan(merge, 'plan', "merge_action = 'insert'", of_identity=true) | indent(4) }}
),

final as (
    select
        {% for column in merge.columns %}
        {{ column }}{{ "," if not loop.last }}
        {% endfor %}
    from planned_rows
)

select * from final
{%- endmacro %}

{#-
    The rows that a plan asks for, where its own rows meet a condition: the last delivery of each event, at its planned
    time, with the columns of `of_plan` as the plan has them. Only keys delivered more than once are sorted, so that the
    payloads of all others stream through; for that, DuckDB must not first materialize all deliveries of the window
    (half the memory, measured).

    With `of_identity`, the plan says which event a key belongs to, and the deliveries of other events are left out.
    A column with an override has the override's value.
-#}
{% macro rows_of_plan(merge, plan, condition, of_plan={}, of_identity=false) -%}
{%- set planned = dict([(merge.time, 'planned_time')], **of_plan) -%}
{%- set keys = 'overridden' if merge.overrides else 'planned' -%}
with

planned as (
    select
        {{ key_columns(merge) }},
        delivery_count,
        {{ "identity," if of_identity }}
        merge_action,
        {% for column in planned.values() %}
        {{ column }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ plan }}
    where {{ condition }}
),

{% if merge.overrides %}
{{ newest_overrides(merge, 'planned') -}}
overridden as (
    select
        planned.*,
        {{ override_columns(merge) | join(',\n        ') }}
    from planned
    {{ join_overrides(merge, 'planned') | trim | indent(4) }}
),

{% endif %}
{{ not_materialized('delivered') }} (
    select * from {{ merge_source(merge) }}
    where
        {{ since_cutover(merge) }}
        and {{ in_merge_window(merge) }}
),

delivered_once as (
    select
        {{ keys }}.merge_action,
        {% for column in planned.values() %}
        {{ keys }}.{{ column }},
        {% endfor %}
        {% for column in override_columns(merge, keys) %}
        {{ column }},
        {% endfor %}
        delivered.*,
        1 as from_last
    from delivered
    inner join {{ keys }} on {{ same_key(merge, 'delivered', keys) }}
    where {{ keys }}.delivery_count = 1
),

delivered_often as (
    select
        {{ keys }}.merge_action,
        {% for column in planned.values() %}
        {{ keys }}.{{ column }},
        {% endfor %}
        {% for column in override_columns(merge, keys) %}
        {{ column }},
        {% endfor %}
        delivered.*
    from delivered
    inner join {{ keys }} on {{ same_key(merge, 'delivered', keys) }}
    where
        {{ keys }}.delivery_count > 1
        {{ "and " ~ keys ~ ".identity = " ~ identity_fingerprint(merge, 'delivered') if of_identity }}
),

numbered as (
    select
        *,
        row_number() over (partition by {{ key_columns(merge) }} order by {{ last_delivery_first(merge) }}) as from_last
    from delivered_often
),

contents as (
    select * from delivered_once
    union all
    select * from numbered
    where from_last = 1
)

select
    merge_action,
    {% for column in merge.columns %}
    {%- set value = planned[column] ~ " as " ~ column if column in planned else overridden(merge, column) %}
    {{ value | indent(4) }}{{ "," if not loop.last }}
    {% endfor %}
from contents
{%- endmacro %}
