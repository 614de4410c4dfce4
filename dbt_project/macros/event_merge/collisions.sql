{#-
    Two different events are never merged. An event is its key with its identity columns; deliveries of one key that
    differ in one of these collide. The key belongs to the event that was delivered first, by insert time: its row is the
    one in the table. The deliveries of the other events go in full into the table of collisions.

    A stored row does not hold when its event was first delivered, so a colliding key is settled from all that is known
    of it: its deliveries in the source, whatever their hour, its stored row and its collisions. The result is the same
    in whatever order hours are merged. A stored row whose last delivery is in the source, and whose first is not, never
    gives way. A delivery that the source has lost, because its hour was exported again without it, keeps its collision.

    Where a key is stored more than once (old damage), none of its rows gives way: deliveries update the rows of their
    own event, and those of any other event are collisions.

    These statements matter only for keys that collide. They are few, so their rows are kept in temporary tables.
-#}
{% macro settle_collisions(merge, table) %}
create or replace temp table colliding_keys as
select {{ key_columns(merge) }} from merge_plan
where merge_action = 'settle';

create or replace temp table stored_rows as
{{ stored_rows_query(merge) }};

create or replace temp table known_deliveries as
{{ known_deliveries_query(merge) }};

create or replace temp table settled_events as
{{ settled_events_query(merge) }};

create or replace temp table settled_rows as
{{ settled_rows_query(merge) }};

create or replace temp table changed_keys as
select distinct {{ key_columns(merge) }} from settled_rows
where not is_unchanged;

create or replace temp table displaced_rows as
select
    {{ key_columns(merge, 'stored_rows') }},
    stored_rows.content
from stored_rows
left join settled_events
    on {{ same_key(merge, 'stored_rows', 'settled_events') }} and stored_rows.identity = settled_events.identity
where settled_events.identity is null;

{# What is known of a displaced row does not hold for the row that replaces it, although both may have one order. #}
{{ "if exists (select 1 from displaced_rows) then" if target.type == 'bigquery' }}
delete from {{ merge_table(merge, 'contents') }}
where content in (select displaced_rows.content from displaced_rows);

delete from {{ merge_table(merge, 'redelivered') }}
where {{ key_of(merge) }} in (select {{ key_of(merge, 'displaced_rows') }} from displaced_rows);
{{ "end if;" if target.type == 'bigquery' }}

delete from {{ table }}
where
    {{ key_of(merge) }} in (select {{ key_of(merge, 'changed_keys') }} from changed_keys)
    {{ and_on_settled_days(merge) }}
;

insert into {{ table }} ({{ merge.columns | join(', ') }})
select {{ merge.columns | join(', ') }}
from settled_rows
where {{ key_of(merge) }} in (select {{ key_of(merge, 'changed_keys') }} from changed_keys);

insert into {{ merge_table(merge, 'contents') }} (content)
select {{ content_fingerprint(merge) }} as content
from settled_rows
where
    coalesce(copy_count, 1) = 1
    and {{ key_of(merge) }} in (select {{ key_of(merge, 'changed_keys') }} from changed_keys);

delete from {{ merge_table(merge, 'collisions') }}
where {{ key_of(merge) }} in (select {{ key_of(merge, 'colliding_keys') }} from colliding_keys);

insert into {{ merge_table(merge, 'collisions') }} ({{ merge.raw_columns | join(', ') }})
select
    {% for column in merge.raw_columns %}
    known_deliveries.{{ column }}{{ "," if not loop.last }}
    {% endfor %}
from known_deliveries
left join settled_events
    on
        {{ same_key(merge, 'known_deliveries', 'settled_events') }}
        and known_deliveries.identity = settled_events.identity
where settled_events.identity is null;

update merge_plan set
    merge_action = case
        when copy_count = 0 then 'insert'
        when {{ key_of(merge) }} in (select {{ key_of(merge, 'changed_keys') }} from changed_keys) then 'update'
        else 'unchanged'
    end
where merge_action = 'settle';
{% endmacro %}

{#- The stored rows of colliding keys. -#}
{% macro stored_rows_query(merge) -%}
select
    *,
    {{ identity_fingerprint(merge, 'stored') }} as identity,
    {{ fingerprint_of(merge, merge.columns) }} as whole_row,
    {{ content_fingerprint(merge) }} as content,
    {{ fingerprint_of(merge, merge.delivered_columns) }} as delivered,
    count(*) over (partition by {{ key_columns(merge) }}) as copy_count
from {{ merged_table(merge) }} as stored
where
    {{ key_of(merge) }} in (select {{ key_of(merge, 'colliding_keys') }} from colliding_keys)
    {{ and_on_settled_days(merge) }}
{%- endmacro %}

{#- All that is known of colliding keys: their deliveries in the source, their collisions and their stored rows. -#}
{% macro known_deliveries_query(merge) -%}
with

sightings as (
    select
        {{ merge.raw_columns | join(', ') }},
        true as is_raw,
        false as is_stored
    from {{ merge_source(merge) }}
    where
        {{ since_cutover(merge) }}
        and {{ key_of(merge) }} in (select {{ key_of(merge, 'colliding_keys') }} from colliding_keys)
        {{ "and " ~ merge.window ~ " in unnest(settle_hours)" if target.type == 'bigquery' and not merge.only }}
        {{ "and " ~ merge.since if merge.since }}
    union all
    select
        {{ merge.raw_columns | join(', ') }},
        false as is_raw,
        false as is_stored
    from {{ merge_table(merge, 'collisions') }}
    where {{ key_of(merge) }} in (select {{ key_of(merge, 'colliding_keys') }} from colliding_keys)
    union all
    select
        {{ merge.columns | join(', ') }},
        {% for column in merge.delivery_columns %}
        null as {{ column }},
        {% endfor %}
        false as is_raw,
        true as is_stored
    from stored_rows
    where copy_count = 1
),

identified as (
    select
        *,
        {{ identity_fingerprint(merge, 'sightings') }} as identity,
        {{ fingerprint_of(merge, merge.delivered_columns) }} as delivered
    from sightings
),

raw_times as (
    select distinct
        {{ (merge.unique_key + [merge.time]) | unique(case_sensitive=true) | join(', ') }},
        identity
    from identified
    where is_raw
),

found as (
    select
        identified.*,
        identified.delivered in (select known.delivered from identified as known where known.is_raw) as is_in_raw,
        raw_times.{{ merge.unique_key[0] }} is not null as has_raw_time
    from identified
    left join raw_times
        on
            {{ same_key(merge, 'identified', 'raw_times') }}
            and identified.identity = raw_times.identity
            and identified.{{ merge.time }} = raw_times.{{ merge.time }}
),

-- What the source still holds is taken from there, with its present load, and not from what was made of it. A stored
-- row has the time of its first delivery and the insert time of its last. If the source holds the last and not the
-- first, the first is older than all that is known: it came with an older pipeline, or its hour was exported again
-- without it.
final as (
    select
        *,
        is_stored and is_in_raw as is_oldest
    from found
    where is_raw or not is_in_raw or (is_stored and not has_raw_time)
)

select * from final
{%- endmacro %}

{#- The event that each colliding key belongs to; of a key that is stored more than once, every stored one. -#}
{% macro settled_events_query(merge) -%}
with

numbered as (
    select
        {{ key_columns(merge) }},
        identity,
        row_number() over (
            partition by {{ key_columns(merge) }}
            order by {{ oldest_first() }}, {{ first_delivery_of(merge) | indent(12) }}
        ) as from_first
    from known_deliveries
    where {{ key_of(merge) }} not in (
        select {{ key_of(merge, 'stored_rows') }} from stored_rows where stored_rows.copy_count > 1
    )
),

final as (
    select
        {{ key_columns(merge) }},
        identity
    from numbered
    where from_first = 1
    union distinct
    select
        {{ key_columns(merge) }},
        identity
    from stored_rows
    where copy_count > 1
)

select * from final
{%- endmacro %}

{#- The rows that colliding keys have once they are settled. -#}
{% macro settled_rows_query(merge) -%}
with

{{ newest_overrides(merge, 'colliding_keys') -}}
numbered as (
    select
        known_deliveries.*,
        coalesce(known_deliveries.{{ merge.inserted_at }}, {{ long_ago() }}) as inserted_at,
        coalesce(known_deliveries.{{ merge.loaded_at }}, {{ long_ago() }}) as ingested_at,
        row_number() over (
            partition by {{ key_columns(merge, 'known_deliveries') }}, known_deliveries.identity
            order by {{ last_delivery_first(merge, 'known_deliveries') | indent(12) }}
        ) as from_last,
        row_number() over (
            partition by {{ key_columns(merge, 'known_deliveries') }}, known_deliveries.identity
            order by {{ oldest_first() }}, {{ first_delivery_of(merge, 'known_deliveries') | indent(12) }}
        ) as from_first
    from known_deliveries
    inner join settled_events
        on
            {{ same_key(merge, 'known_deliveries', 'settled_events') }}
            and known_deliveries.identity = settled_events.identity
),

last_deliveries as (
    select * from numbered
    where from_last = 1
),

first_deliveries as (
    select
        {{ key_columns(merge) }},
        identity,
        inserted_at,
        {{ merge.time }} as delivered_time
    from numbered
    where from_first = 1
),

stored_numbered as (
    select
        {{ key_columns(merge) }},
        identity,
        copy_count,
        coalesce({{ merge.inserted_at }}, {{ long_ago() }}) as inserted_at,
        coalesce({{ merge.loaded_at }}, {{ long_ago() }}) as ingested_at,
        max({{ merge.time }}) over (partition by {{ key_columns(merge) }}, identity) as latest_time,
        row_number() over (
            partition by {{ key_columns(merge) }}, identity
            order by
                coalesce({{ merge.inserted_at }}, {{ long_ago() }}) desc,
                coalesce({{ merge.loaded_at }}, {{ long_ago() }}) desc
        ) as from_last
    from stored_rows
),

newest_stored as (
    select * from stored_numbered
    where from_last = 1
),

-- Each event is compared with its own row, or rows, by the rules of the merge.
compared as (
    select
        {{ key_columns(merge, 'last_deliveries') }},
        last_deliveries.identity,
        case
            when
                newest_stored.identity is null
                or (
                    (
                        first_deliveries.inserted_at < newest_stored.inserted_at
                        or newest_stored.inserted_at = {{ long_ago() }}
                    )
                    and first_deliveries.delivered_time < newest_stored.latest_time
                )
                then first_deliveries.delivered_time
            else newest_stored.latest_time
        end as planned_time,
        newest_stored.identity is null
        or newest_stored.copy_count = 1
        or last_deliveries.inserted_at > newest_stored.inserted_at
        or (
            last_deliveries.inserted_at = newest_stored.inserted_at
            and last_deliveries.ingested_at > newest_stored.ingested_at
        ) as is_newer
    from last_deliveries
    inner join first_deliveries
        on
            {{ same_key(merge, 'last_deliveries', 'first_deliveries') }}
            and last_deliveries.identity = first_deliveries.identity
    left join newest_stored
        on
            {{ same_key(merge, 'last_deliveries', 'newest_stored') }}
            and last_deliveries.identity = newest_stored.identity
),

rows_to_be as (
    select
        {% for column in merge.columns if column != merge.time %}
        {{ overridden(merge, column, 'last_deliveries') | indent(8) }},
        {% endfor %}
        {{ settled_time(merge) | indent(8) }},
        stored_rows.whole_row,
        stored_rows.copy_count
    from last_deliveries
    inner join compared
        on {{ same_key(merge, 'last_deliveries', 'compared') }} and last_deliveries.identity = compared.identity
    left join stored_rows
        on {{ same_key(merge, 'compared', 'stored_rows') }} and compared.identity = stored_rows.identity
    {{ join_overrides(merge, 'compared') | trim | indent(4) }}
    where compared.is_newer
    union all
    select
        {% for column in merge.columns if column != merge.time %}
        stored_rows.{{ column }},
        {% endfor %}
        {{ settled_time(merge) | indent(8) }},
        stored_rows.whole_row,
        stored_rows.copy_count
    from stored_rows
    left join compared
        on {{ same_key(merge, 'stored_rows', 'compared') }} and stored_rows.identity = compared.identity
    where stored_rows.copy_count > 1 and not coalesce(compared.is_newer, false)
),

final as (
    select
        *,
        coalesce(whole_row = {{ fingerprint_of(merge, merge.columns) }}, false) as is_unchanged
    from rows_to_be
)

select * from final
{%- endmacro %}

{#-
    Of the first build, whose query makes the rows of the table: the deliveries of the events that came later under a key
    that was taken.
-#}
{% macro insert_first_collisions(merge) %}
delete from {{ merge_table(merge, 'collisions') }}
where
    {{ merge.window }} is not null
    and {{ fingerprint_of(merge, merge.delivered_columns) }} in (
        select {{ fingerprint_of(merge, merge.delivered_columns) }} from {{ merge_source(merge) }}
    );

insert into {{ merge_table(merge, 'collisions') }} ({{ merge.raw_columns | join(', ') }})
with

delivered as (
    select * from {{ merge_source(merge) }}
    where
        {{ since_cutover(merge) }}
        and {{ in_merge_window(merge) }}
),

numbered as (
    select
        *,
        {{ identity_fingerprint(merge, 'delivered') }} as identity,
        first_value({{ identity_fingerprint(merge, 'delivered') }}) over (
            partition by {{ key_columns(merge) }} order by {{ first_delivery_of(merge) | indent(12) }}
        ) as first_identity
    from delivered
)

select {{ merge.raw_columns | join(', ') }}
from numbered
where identity != first_identity
{% endmacro %}

{#- A first delivery that the source does not hold comes before all others. -#}
{% macro oldest_first() -%} case when is_oldest then 0 else 1 end {%- endmacro %}

{#- The time of an event that is settled: its stored one, or the planned one where that is earlier. -#}
{% macro settled_time(merge) -%}
case
    when stored_rows.identity is null or stored_rows.{{ merge.time }} > compared.planned_time
        then compared.planned_time
    else stored_rows.{{ merge.time }}
end as {{ merge.time }}
{%- endmacro %}

{#- BigQuery is billed for the days that are named, and else for the full table. -#}
{% macro and_on_settled_days(merge) -%}
{%- if target.type == 'bigquery' and not merge.only -%}
and (timestamp_trunc({{ merge.time }}, day) in unnest(settle_days) or {{ merge.time }} is null)
{%- endif -%}
{%- endmacro %}

{#- DuckDB's own number of a row, by which other columns of a few rows are read at no cost. -#}
{% macro row_id(table) %}
    {% do return(table ~ ".rowid") %}
{% endmacro %}
