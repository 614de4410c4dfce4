{#-
    The log of merges: one row for each export hour of a merge, in the merge's own transaction. It is written last,
    because only then it is known what collided. Dagster reads it for its metadata, and adds the cost. A run with
    --empty merges nothing, so it is not logged: the newest row of an hour counts.
-#}
{% macro log_merge(merge) -%}
{%- if not flags.EMPTY -%}
insert into {{ merge_table(merge, 'log') }} (
    window_start,
    merged_at,
    run_id,
    rows_inserted,
    rows_updated,
    rows_unchanged,
    rows_collided,
    rows_before_cutover
)
select
    window_start,
    current_timestamp as merged_at,
    {{ merge_run_id() }} as run_id,
    {{ counted_actions('insert') }} as rows_inserted,
    {{ counted_actions('update', 'restore_time') }} as rows_updated,
    {{ counted_actions('unchanged') }} as rows_unchanged,
    {{ counted_actions('collide') }} as rows_collided,
    {{ counted_actions('before_cutover') }} as rows_before_cutover
from (
    {{ merge_counts(merge) | indent(4) }}
) as counts
group by window_start
{%- endif -%}
{%- endmacro %}

{% macro counted_actions() -%}
cast(sum(case when merge_action in ('{{ varargs | join("', '") }}') then events else 0 end) as {{ integer() }})
{%- endmacro %}

{#- The Dagster run, or without one dbt's own invocation. What could end a string literal is left out. -#}
{% macro merge_run_id() -%}
'{{ modules.re.sub("[^0-9A-Za-z_-]", "", env_var("TRACKS_RUN_ID", invocation_id)) }}'
{%- endmacro %}

{#-
    What a merge did: events by export hour and action, deliveries of colliding keys that are in the table of collisions,
    deliveries that lie before the cutover, and every hour of the window, so that an hour without events is logged.
-#}
{% macro merge_counts(merge) -%}
select
    window_start,
    merge_action,
    count(*) as events
from merge_plan
group by window_start, merge_action
union all
select
    {{ merge.window }} as window_start,
    'collide' as merge_action,
    count(*) as events
from {{ merge_table(merge, 'collisions') }}
where
    {{ key_of(merge) }} in (select {{ key_of(merge, 'plan') }} from merge_plan as plan where plan.is_colliding)
    and {{ in_merge_window(merge) }}
group by {{ merge.window }}
{%- if has_window() %}

union all
select
    window_start,
    'none' as merge_action,
    0 as events
from {{ array_rows(starts_of_window(merge), 'window_start') }}
{%- if merge.cutover %}

union all
select
    {{ merge.window }} as window_start,
    'before_cutover' as merge_action,
    count(*) as events
from {{ merge_source(merge) }}
where
    not {{ since_cutover(merge) }}
    and {{ in_merge_window(merge) }}
group by {{ merge.window }}
{%- endif %}
{%- endif %}
{%- endmacro %}

{#- The starts of the export hours (or days) of the window, as an array. -#}
{% macro starts_of_window(merge) -%}
    {{ hours_array(
        utc_timestamp(env_var('TRACKS_WINDOW_START')),
        hours_after(utc_timestamp(env_var('TRACKS_WINDOW_END')), -merge.window_hours),
        merge.window_hours
    ) }}
{%- endmacro %}
