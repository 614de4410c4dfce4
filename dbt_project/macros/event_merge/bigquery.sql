{#-
    Carries out a plan on BigQuery, where an UPDATE is billed for every partition that it changes, in full, and an INSERT
    is not. So new events are inserted, and only the days of events that change are named for updating: a variable of the
    script prunes partitions, a join does not. One transaction, with the plan made inside it: it sees one state of the
    table from its first read to its end.

    The stock merge takes whatever comes last. This one takes the content only of a newer delivery, and moves an event's
    time only back, to that of its original. Keys are matched over the full table: no partition is named, so a re-delivery
    finds its event however old it is. Where the time is part of the key, the event lies on the day of the delivery's own
    time, so only the days of the batch are read. An event that is stored twice is updated twice and never multiplied.
-#}
{% macro merge_script(merge, table, plan_query) %}
declare identity_days array<timestamp>;
declare content_days array<timestamp>;
declare time_days array<timestamp>;
declare settle_days array<timestamp>;
declare settle_hours array<timestamp>;
{%- if merge.is_timed_key %}

declare batch_days array<timestamp>;
{%- endif %}

begin transaction;

{{ write_lock(merge_table(merge, 'lock')) }};

{% if merge.is_timed_key %}
set batch_days = (
    select ifnull(array_agg(distinct timestamp_trunc({{ merge.time }}, day)), [])
    from {{ merge_source(merge) }}
    where {{ in_merge_window(merge) }}
);

{% endif %}
create or replace temp table merge_plan as
select * from (
    {{ plan_query }}
);

set identity_days = ({{ days_of("merge_plan.may_collide") }});

{{ find_collisions(merge, table) }};

create or replace temp table merge_rows as
select
    *,
    {{ content_fingerprint(merge) }} as content
from (
    {{ rows_of_plan(merge, 'merge_plan', "merge_action in ('insert', 'update')") | indent(4) }}
);

insert into {{ table }} ({{ merge.columns | join(', ') }})
select {{ merge.columns | join(', ') }}
from merge_rows
where merge_action = 'insert';

insert into {{ merge_table(merge, 'contents') }} (content)
select content from merge_rows;

{{ record_repeats(merge) }};

set content_days = ({{ days_of("merge_plan.merge_action = 'update'") }});

set time_days = ({{ days_of("merge_plan.merge_action = 'restore_time'") }});

update {{ table }} as stored set
    {{ content_of(merge, 'delivery') | indent(4) }}
    {{ merge.time }} = {{ earlier_of('stored.' ~ merge.time, 'delivery.' ~ merge.time) }}
from merge_rows as delivery
where
    {{ same_key(merge, 'stored', 'delivery') }}
    and delivery.merge_action = 'update'
    and (timestamp_trunc(stored.{{ merge.time }}, day) in unnest(content_days) or stored.{{ merge.time }} is null);

update {{ table }} as stored set
    {{ merge.time }} = {{ earlier_of('stored.' ~ merge.time, 'merge_plan.planned_time') }}
from merge_plan
where
    {{ same_key(merge, 'stored', 'merge_plan') }}
    and merge_plan.merge_action = 'restore_time'
    and timestamp_trunc(stored.{{ merge.time }}, day) in unnest(time_days);

if exists (select 1 from merge_plan where merge_action = 'settle') then

set settle_days = ({{ days_of("merge_plan.merge_action = 'settle'") }});

set settle_hours = (
    select ifnull(array_agg(distinct {{ merge.window }}), [])
    from {{ merge_source(merge) }}
    where {{ key_of(merge) }} in (
        select {{ key_of(merge, 'merge_plan') }} from merge_plan where merge_plan.merge_action = 'settle'
    )
);

{{ settle_collisions(merge, table) }};

end if;

{{ log_merge(merge) }};

commit transaction;
{% endmacro %}

{#-
    The days of the stored rows of those events whose plan meets a condition; each update is billed for its own only. A
    day is truncated here as the update truncates it: where a project has a time zone of its own, both are that zone's.
-#}
{% macro days_of(condition) %}
    select ifnull(array_agg(distinct timestamp_trunc(stored_at, day)), [])
    from merge_plan
    cross join unnest({{ stored_times() | indent(4) }}) as stored_at
    where {{ condition }} and stored_at is not null
{% endmacro %}

{#-
    The times of an event's rows; of more than two, also times between the first and the last, so near to each other
    that no day is left out.
-#}
{% macro stored_times() -%}
    array_concat(
        [merge_plan.stored_earliest_time, merge_plan.stored_time],
        if(
            merge_plan.copy_count > 2,
            generate_timestamp_array(
                merge_plan.stored_earliest_time, merge_plan.stored_time, interval 12 hour
            ),
            []
        )
    )
{%- endmacro %}

{#- Keys that are in the table as another event than the window delivers are left to be settled. -#}
{% macro find_collisions(merge, table) %}
update merge_plan set
    merge_action = 'settle',
    is_colliding = true
where
    may_collide
    and {{ key_of(merge) }} in (
        select {{ key_of(merge, 'stored') }}
        from {{ table }} as stored
        inner join merge_plan as suspected on {{ same_key(merge, 'stored', 'suspected') }}
        where
            suspected.may_collide
            and {{ identity_fingerprint(merge, 'stored') }} != suspected.identity
            and (
                timestamp_trunc(stored.{{ merge.time }}, day) in unnest(identity_days)
                or stored.{{ merge.time }} is null
            )
    )
{% endmacro %}
