{#-
    Carries out the plan that models/marts/posthog_tracks.sql makes.

    The stock merge takes whatever comes last into the table. This one takes the content only of a newer delivery, and
    moves an event's time only back, to that of its original. Ids are matched over the whole table: no partition is
    named, so a re-delivery finds its event however old it is. A standing pair is updated twice and never multiplied.

    This one is for BigQuery, where an UPDATE is billed for every partition that it changes, whole, and an INSERT is not.
    So the unseen are inserted, and only the days of events that change are named for updating: a variable of the
    script prunes partitions, a join does not. One transaction, with the plan made inside it: it sees one state of tracks
    from its first read to its end. The log of merges is written in it, too.
-#}
{% macro merge_script(target, plan_query) %}
declare identity_days array<timestamp>;
declare content_days array<timestamp>;
declare time_days array<timestamp>;
declare settle_days array<timestamp>;
declare settle_hours array<timestamp>;

begin transaction;

{{ take_turn() }};

create or replace temp table merge_plan as
select * from {{ plan_query }};

set identity_days = ({{ days_of("merge_plan.may_collide") }});

{{ find_collisions(target, 'merge_plan') }};

create or replace temp table merge_rows as
select
    *,
    {{ content_fingerprint() }} as content
from (
    {{ rows_of_plan('merge_plan', "merge_action in ('insert', 'update')") | indent(4) }}
);

insert into {{ target }} ({{ track_columns() | join(', ') }})
select {{ track_columns() | join(', ') }}
from merge_rows
where merge_action = 'insert';

insert into {{ source('posthog', 'tracks_contents').render() }} (content)
select content from merge_rows;

{{ record_repeats('merge_plan') }};

set content_days = ({{ days_of("merge_plan.merge_action = 'update'") }});

set time_days = ({{ days_of("merge_plan.merge_action = 'restore_time'") }});

update {{ target }} as standing set
    {{ content_of('delivery') | indent(4) }}
    created_at = {{ earlier_of('standing', 'delivery') }}
from merge_rows as delivery
where
    standing.event_id = delivery.event_id
    and delivery.merge_action = 'update'
    and (timestamp_trunc(standing.created_at, day) in unnest(content_days) or standing.created_at is null);

update {{ target }} as standing set
    created_at = {{ earlier_of('standing', 'merge_plan') }}
from merge_plan
where
    standing.event_id = merge_plan.event_id
    and merge_plan.merge_action = 'restore_time'
    and timestamp_trunc(standing.created_at, day) in unnest(time_days);

if exists (select 1 from merge_plan where merge_action = 'settle') then

set settle_days = ({{ days_of("merge_plan.merge_action = 'settle'") }});

set settle_hours = (
    select ifnull(array_agg(distinct window_start), [])
    from {{ source('posthog', 'raw_tracks') }}
    where event_id in (select merge_plan.event_id from merge_plan where merge_plan.merge_action = 'settle')
);

{{ settle_collisions(target, 'merge_plan') }};

end if;

{{ log_merge('merge_plan') }};

commit transaction;
{% endmacro %}

{#-
    Whoever writes tracks changes this one row first, so that of two transactions at once BigQuery lets one go: two that
    only insert would run side by side, and both insert what both miss. The warehouse's own statements say the same.
-#}
{% macro take_turn() -%}
merge into {{ source('posthog', 'tracks_turn').render() }} as turn
using (select 1 as number, current_timestamp() as taken_at) as taker
    on turn.number = taker.number
when matched then update set taken_at = taker.taken_at
when not matched then insert (number, taken_at) values (taker.number, taker.taken_at)
{%- endmacro %}

{#- The deliveries that are newer than what stands and change nothing of it; only of events that stand once. -#}
{% macro record_repeats(plan) -%}
insert into {{ source('posthog', 'tracks_redelivered').render() }} (
    event_id,
    event_inserted_at,
    bq_ingested_timestamp,
    window_start,
    standing_inserted_at,
    standing_ingested_timestamp
)
select
    event_id,
    nullif(inserted_at, {{ long_ago() }}) as event_inserted_at,
    ingested_at as bq_ingested_timestamp,
    window_start,
    standing_inserted_at,
    standing_ingested_timestamp
from {{ plan }}
where is_repeat
{%- endmacro %}

{#-
    The days of the stored rows of those events whose plan meets a condition; each update is billed for its own only. A day
    is cut here as the update cuts it: where a project has a time zone of its own, both are that zone's.
-#}
{% macro days_of(condition) %}
    select ifnull(array_agg(distinct timestamp_trunc(standing_at, day)), [])
    from merge_plan
    cross join unnest({{ standing_times() | indent(4) }}) as standing_at
    where {{ condition }} and standing_at is not null
{% endmacro %}

{#-
    The times of an event's copies; of more than two, also times between the first and the last, so near to each other
    that no day is left out.
-#}
{% macro standing_times() -%}
    array_concat(
        [merge_plan.standing_earliest_at, merge_plan.standing_created_at],
        if(
            merge_plan.copy_count > 2,
            generate_timestamp_array(
                merge_plan.standing_earliest_at, merge_plan.standing_created_at, interval 12 hour
            ),
            []
        )
    )
{%- endmacro %}

{#-
    The same merge for DuckDB, whose MERGE holds every payload of both sides in memory. Here only keys are joined, and
    payloads stream from raw_tracks into tracks: an event that stands once is updated by removing it and putting it in
    again, all in dbt's one transaction. Only standing pairs are updated in place, for each copy keeps its own time.
-#}
{% macro merge_by_plan(target, plan) %}
    update {{ target }} as standing set
        created_at = {{ earlier_of('standing', 'plan') }}
    from {{ plan }} as plan
    where standing.event_id = plan.event_id and plan.merge_action = 'restore_time';

    update {{ target }} as standing set
        {{ content_of('delivery') | indent(8) }}
        created_at = {{ earlier_of('standing', 'delivery') }}
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
    ) as delivery;

    insert into {{ source('posthog', 'tracks_contents').render() }} (content)
    select {{ content_fingerprint() }} as content
    from (
        {{ rows_of_plan(plan, "merge_action in ('insert', 'update')") | indent(8) }}
    ) as delivery;

    {{ record_repeats(plan) | indent(4) }};

    {{ settle_collisions(target, plan) | indent(4) }};

    {{ log_merge(plan) | indent(4) }}
{% endmacro %}

{#- The time that a row keeps; one without a time keeps none, though `least` would give it one on DuckDB. -#}
{% macro earlier_of(standing, planned) -%}
case when {{ standing }}.created_at > {{ planned }}.created_at then {{ planned }}.created_at else {{ standing }}.created_at end
{%- endmacro %}

{#- What an update takes from the last delivery: everything but the id and the time. -#}
{% macro content_of(delivery) %}
{% for column in track_columns() if column not in ('event_id', 'created_at') %}
{{ column }} = {{ delivery }}.{{ column }},
{% endfor %}
{% endmacro %}

{#-
    The rows that a plan asks for, where its own rows meet a condition: the last delivery of each event, with the columns
    ``of_plan`` as the plan has them. Only ids delivered more than once are sorted, so that the payloads of all others
    stream through; for that, DuckDB must not first put aside all deliveries of the window (half the memory, measured).

    With ``of_identity``, the plan says which event an id belongs to, and the deliveries of other events are left out.
-#}
{% macro rows_of_plan(plan, condition, of_plan=['created_at'], of_identity=false) %}
with

planned as (
    select
        event_id,
        delivery_count,
        {{ "identity," if of_identity }}
        merge_action,
        {% for column in of_plan %}
        {{ column }} as planned_{{ column }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ plan }}
    where {{ condition }}
),

delivered as{{ " not materialized" if target.type == 'duckdb' }} (
    select * from {{ source('posthog', 'raw_tracks') }}
    where
        {{ since_cutover() }}
        and {{ in_merge_window() }}
),

delivered_once as (
    select
        planned.merge_action,
        {% for column in of_plan %}
        planned.planned_{{ column }},
        {% endfor %}
        delivered.*
    from delivered
    inner join planned on delivered.event_id = planned.event_id
    where planned.delivery_count = 1
),

delivered_often as (
    select
        planned.merge_action,
        {% for column in of_plan %}
        planned.planned_{{ column }},
        {% endfor %}
        delivered.*
    from delivered
    inner join planned on delivered.event_id = planned.event_id
    where
        planned.delivery_count > 1
        {{ "and planned.identity = " ~ identity_fingerprint('delivered') if of_identity }}
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
    {{ "planned_" ~ column ~ " as " ~ column if column in of_plan else column }}{{ "," if not loop.last }}
    {% endfor %}
from contents
{% endmacro %}

{#- The columns of tracks, in order, as the model's own documentation lists them. -#}
{% macro track_columns() %}
    {% do return(tracks_node().columns.keys() | list) %}
{% endmacro %}

{#- What dbt knows of the model; an operation is handed no model. -#}
{% macro tracks_node() %}
    {% do return(model if model.columns is defined else graph.nodes['model.tracks.posthog_tracks']) %}
{% endmacro %}
