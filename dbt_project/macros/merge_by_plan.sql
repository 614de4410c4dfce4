{#-
    Carries out the plan that models/marts/posthog_tracks.sql makes.

    The stock merge takes whatever comes last into the table. This one takes the content only of a newer delivery, and
    moves an event's time only back, to that of its original. Ids are matched over the whole table: no partition is
    named, so a re-delivery finds its event however old it is. A standing pair is updated twice and never multiplied.
-#}
{% macro merge_by_plan(target, plan) %}
    {{ adapter.dispatch('merge_by_plan')(target, plan) }}
{% endmacro %}

{% macro default__merge_by_plan(target, plan) %}
    merge into {{ target }} as standing
    using (
        {{ rows_of_plan(plan, "merge_action != 'unchanged'") | indent(8) }}
    ) as delivery
    on standing.event_id = delivery.event_id
    when matched and delivery.merge_action = 'update' then update set
        {{ content_of('delivery') | indent(8) }}
        created_at = least(standing.created_at, delivery.created_at)
    when matched and delivery.merge_action = 'restore_time' then update set
        created_at = least(standing.created_at, delivery.created_at)
    when not matched then insert
        ({{ track_columns() | join(', ') }})
    values
        ({% for column in track_columns() %}delivery.{{ column }}{{ ", " if not loop.last }}{% endfor %})
{% endmacro %}

{#-
    The same merge for DuckDB, whose MERGE holds every payload of both sides in memory. Here only keys are joined, and
    payloads stream from raw_tracks into tracks: an event that stands once is updated by removing it and putting it in
    again, all in dbt's one transaction. Only standing pairs are updated in place, for each copy keeps its own time.
-#}
{% macro duckdb__merge_by_plan(target, plan) %}
    update {{ target }} as standing set
        created_at = least(standing.created_at, plan.created_at)
    from {{ plan }} as plan
    where standing.event_id = plan.event_id and plan.merge_action = 'restore_time';

    update {{ target }} as standing set
        {{ content_of('delivery') | indent(8) }}
        created_at = least(standing.created_at, delivery.created_at)
    from (
        {{ rows_of_plan(plan, "merge_action = 'update' and copy_count > 1") | indent(8) }}
    ) as delivery
    where standing.event_id = delivery.event_id;

    delete from {{ target }}
    where event_id in (select event_id from {{ plan }} where merge_action = 'update' and copy_count = 1);

    insert into {{ target }} ({{ track_columns() | join(', ') }})
    select {{ track_columns() | join(', ') }}
    from (
        {{ rows_of_plan(plan, "merge_action in ('insert', 'update') and copy_count <= 1") | indent(8) }}
    ) as delivery
{% endmacro %}

{#- What an update takes from the last delivery: everything but the id and the time. -#}
{% macro content_of(delivery) %}
{% for column in track_columns() if column not in ('event_id', 'created_at') %}
{{ column }} = {{ delivery }}.{{ column }},
{% endfor %}
{% endmacro %}

{#-
    The rows that a plan inserts or updates with, where its own rows meet a condition: the content of each event's last delivery at the time the plan says.
    Only ids delivered more than once are sorted, so that the payloads of all others stream through.
-#}
{% macro rows_of_plan(plan, condition) %}
with

planned as (
    select * from {{ plan }}
    where {{ condition }}
),

delivered as (
    select * from {{ source('posthog', 'raw_tracks') }}
    where
        created_at >= {{ utc_timestamp(env_var('TRACKS_CUTOVER', '2026-03-04')) }}
        and {{ in_merge_window() }}
),

delivered_once as (
    select
        planned.merge_action,
        planned.created_at as stands_at,
        delivered.*
    from delivered
    inner join planned on delivered.event_id = planned.event_id
    where planned.delivery_count = 1
),

delivered_often as (
    select
        planned.merge_action,
        planned.created_at as stands_at,
        delivered.*
    from delivered
    inner join planned on delivered.event_id = planned.event_id
    where planned.delivery_count > 1
),

numbered as (
    select
        *,
        row_number() over (partition by event_id order by {{ last_delivery_first() }}) as from_last
    from delivered_often
),

contents as (
    select * from delivered_once
    union all
    select {{ "* exclude (from_last)" if target.type == 'duckdb' else "* except (from_last)" }} from numbered
    where from_last = 1
)

select
    merge_action,
    {% for column in track_columns() %}
    {{ "stands_at as created_at" if column == 'created_at' else column }}{{ "," if not loop.last }}
    {% endfor %}
from contents
{% endmacro %}

{#- The columns of tracks, in order, as the model's own documentation lists them. -#}
{% macro track_columns() %}
    {% do return(model.columns.keys() | list) %}
{% endmacro %}

{#- Says, for Dagster's metadata, what a plan will do: rows by export hour and action. -#}
{% macro report_plan(plan) %}
    {% set counts = run_query(
        "select window_start, merge_action, count(*) as events from " ~ plan ~ " group by window_start, merge_action"
    ) %}
    {% for row in counts.rows %}
        {% do log("merge_plan " ~ row[0].isoformat() ~ " " ~ row[1] ~ " " ~ row[2], info=true) %}
    {% endfor %}
{% endmacro %}
