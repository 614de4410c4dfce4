{#-
    Two different events are never merged. An event is its id with its event_name and user_id; deliveries of one id
    that differ in one of these collide. The id belongs to the event that was delivered first, by insert time: its row
    is the one in tracks. The deliveries of the other events go in full into posthog_ops.tracks_collisions.

    A row of tracks has forgotten when its event was first delivered, so a colliding id is settled from all that is
    known of it: its deliveries in raw_tracks, whatever their hour, its row of tracks and its rows of
    tracks_collisions. The result is the same in whatever order hours are merged. A row of tracks whose last
    delivery is in raw_tracks, and whose first is not, never gives way. A delivery that raw_tracks has lost,
    because its hour was exported again without it, keeps its row of tracks_collisions.

    Where an id is in tracks more than once (old damage), none of its rows gives way: deliveries update the rows of
    their own event, and those of any other event are collisions.

    These statements run only for ids that collide. They are few, so their rows are put aside in temporary tables.
-#}
{% macro settle_collisions(tracks, plan) %}
{%- set bigquery = target.type == 'bigquery' -%}
create or replace temp table colliding_ids as
select event_id from {{ plan }}
where merge_action = 'settle';

create or replace temp table stored_rows as
select
    *,
    {{ identity_fingerprint('stored') }} as identity,
    {{ fingerprint_of(track_columns()) }} as whole_row,
    {{ content_fingerprint() }} as content,
    {{ fingerprint_of(delivered_columns()) }} as delivered,
    count(*) over (partition by event_id) as copy_count
from {{ tracks }} as stored
where
    event_id in (select colliding_ids.event_id from colliding_ids)
    {% if bigquery %}
    and (timestamp_trunc(created_at, day) in unnest(settle_days) or created_at is null)
    {% endif %}
;

create or replace temp table known_deliveries as
with

sightings as (
    select
        {{ raw_columns() | join(', ') }},
        true as is_raw,
        false as is_stored
    from {{ source('posthog', 'raw_tracks') }}
    where
        {{ since_cutover() }}
        and event_id in (select colliding_ids.event_id from colliding_ids)
        {% if bigquery %}
        and window_start in unnest(settle_hours)
        {% endif %}
    union all
    select
        {{ raw_columns() | join(', ') }},
        false as is_raw,
        false as is_stored
    from {{ collisions_table() }}
    where event_id in (select colliding_ids.event_id from colliding_ids)
    union all
    select
        {{ track_columns() | join(', ') }},
        cast(null as {{ 'timestamp' if bigquery else 'timestamptz' }}) as window_start,
        cast(null as {{ 'string' if bigquery else 'varchar' }}) as source_file,
        false as is_raw,
        true as is_stored
    from stored_rows
    where copy_count = 1
),

identified as (
    select
        *,
        {{ identity_fingerprint('sightings') }} as identity,
        {{ fingerprint_of(delivered_columns()) }} as delivered
    from sightings
),

raw_times as (
    select distinct
        event_id,
        identity,
        created_at
    from identified
    where is_raw
),

found as (
    select
        identified.*,
        identified.delivered in (select known.delivered from identified as known where known.is_raw) as is_in_raw,
        raw_times.event_id is not null as has_raw_time
    from identified
    left join raw_times
        on
            identified.event_id = raw_times.event_id
            and identified.identity = raw_times.identity
            and identified.created_at = raw_times.created_at
),

-- What raw_tracks still holds is taken from there, with its present stamp, and not from what was made of it. A row of
-- tracks has the time of its first delivery and the insert time of its last. If raw_tracks holds the last and not the
-- first, the first is older than all that is known: it came with the old pipeline, or its hour was exported again
-- without it.
final as (
    select
        *,
        is_stored and is_in_raw as is_oldest
    from found
    where is_raw or not is_in_raw or (is_stored and not has_raw_time)
)

select * from final;

create or replace temp table settled_events as
with

numbered as (
    select
        event_id,
        identity,
        row_number() over (
            partition by event_id order by {{ oldest_first() }}, {{ first_delivery_first() | indent(12) }}
        ) as from_first
    from known_deliveries
    where event_id not in (select stored_rows.event_id from stored_rows where stored_rows.copy_count > 1)
),

final as (
    select
        event_id,
        identity
    from numbered
    where from_first = 1
    union distinct
    select
        event_id,
        identity
    from stored_rows
    where copy_count > 1
)

select * from final;

create or replace temp table settled_rows as
with

numbered as (
    select
        known_deliveries.*,
        coalesce(known_deliveries.event_inserted_at, {{ long_ago() }}) as inserted_at,
        coalesce(known_deliveries.bq_ingested_timestamp, {{ long_ago() }}) as ingested_at,
        row_number() over (
            partition by known_deliveries.event_id, known_deliveries.identity
            order by {{ last_delivery_first() | indent(12) }}
        ) as from_last,
        row_number() over (
            partition by known_deliveries.event_id, known_deliveries.identity
            order by {{ oldest_first() }}, {{ first_delivery_first() | indent(12) }}
        ) as from_first
    from known_deliveries
    inner join settled_events
        on
            known_deliveries.event_id = settled_events.event_id
            and known_deliveries.identity = settled_events.identity
),

last_deliveries as (
    select * from numbered
    where from_last = 1
),

first_deliveries as (
    select
        event_id,
        identity,
        inserted_at,
        created_at
    from numbered
    where from_first = 1
),

stored_numbered as (
    select
        event_id,
        identity,
        copy_count,
        coalesce(event_inserted_at, {{ long_ago() }}) as inserted_at,
        coalesce(bq_ingested_timestamp, {{ long_ago() }}) as ingested_at,
        max(created_at) over (partition by event_id, identity) as latest_at,
        row_number() over (
            partition by event_id, identity
            order by
                coalesce(event_inserted_at, {{ long_ago() }}) desc,
                coalesce(bq_ingested_timestamp, {{ long_ago() }}) desc
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
        last_deliveries.event_id,
        last_deliveries.identity,
        case
            when
                newest_stored.event_id is null
                or (
                    (
                        first_deliveries.inserted_at < newest_stored.inserted_at
                        or newest_stored.inserted_at = {{ long_ago() }}
                    )
                    and first_deliveries.created_at < newest_stored.latest_at
                )
                then first_deliveries.created_at
            else newest_stored.latest_at
        end as planned_created_at,
        newest_stored.event_id is null
        or newest_stored.copy_count = 1
        or last_deliveries.inserted_at > newest_stored.inserted_at
        or (
            last_deliveries.inserted_at = newest_stored.inserted_at
            and last_deliveries.ingested_at > newest_stored.ingested_at
        ) as is_newer
    from last_deliveries
    inner join first_deliveries
        on
            last_deliveries.event_id = first_deliveries.event_id
            and last_deliveries.identity = first_deliveries.identity
    left join newest_stored
        on
            last_deliveries.event_id = newest_stored.event_id
            and last_deliveries.identity = newest_stored.identity
),

rows_to_be as (
    select
        {% for column in track_columns() if column != 'created_at' %}
        last_deliveries.{{ column }},
        {% endfor %}
        case
            when stored_rows.event_id is null or stored_rows.created_at > compared.planned_created_at
                then compared.planned_created_at
            else stored_rows.created_at
        end as created_at,
        stored_rows.whole_row,
        stored_rows.copy_count
    from last_deliveries
    inner join compared
        on last_deliveries.event_id = compared.event_id and last_deliveries.identity = compared.identity
    left join stored_rows
        on compared.event_id = stored_rows.event_id and compared.identity = stored_rows.identity
    where compared.is_newer
    union all
    select
        {% for column in track_columns() if column != 'created_at' %}
        stored_rows.{{ column }},
        {% endfor %}
        case
            when stored_rows.created_at > compared.planned_created_at then compared.planned_created_at
            else stored_rows.created_at
        end as created_at,
        stored_rows.whole_row,
        stored_rows.copy_count
    from stored_rows
    left join compared
        on stored_rows.event_id = compared.event_id and stored_rows.identity = compared.identity
    where stored_rows.copy_count > 1 and not coalesce(compared.is_newer, false)
),

final as (
    select
        *,
        coalesce(whole_row = {{ fingerprint_of(track_columns()) }}, false) as is_unchanged
    from rows_to_be
)

select * from final;

create or replace temp table changed_ids as
select distinct event_id from settled_rows
where not is_unchanged;

create or replace temp table displaced_rows as
select
    stored_rows.event_id,
    stored_rows.content
from stored_rows
left join settled_events
    on stored_rows.event_id = settled_events.event_id and stored_rows.identity = settled_events.identity
where settled_events.event_id is null;

{#- Notes on a displaced row do not hold for the row in its place, although both may have the same stamps. -#}
{% if bigquery %}
if exists (select 1 from displaced_rows) then
{% endif %}
delete from {{ source('posthog', 'tracks_contents').render() }}
where content in (select displaced_rows.content from displaced_rows);

delete from {{ source('posthog', 'tracks_redelivered').render() }}
where event_id in (select displaced_rows.event_id from displaced_rows);
{% if bigquery %}
end if;
{% endif %}

delete from {{ tracks }}
where
    event_id in (select changed_ids.event_id from changed_ids)
    {% if bigquery %}
    and (timestamp_trunc(created_at, day) in unnest(settle_days) or created_at is null)
    {% endif %}
;

insert into {{ tracks }} ({{ track_columns() | join(', ') }})
select {{ track_columns() | join(', ') }}
from settled_rows
where event_id in (select changed_ids.event_id from changed_ids);

insert into {{ source('posthog', 'tracks_contents').render() }} (content)
select {{ content_fingerprint() }} as content
from settled_rows
where
    coalesce(copy_count, 1) = 1
    and event_id in (select changed_ids.event_id from changed_ids);

delete from {{ collisions_table() }}
where event_id in (select colliding_ids.event_id from colliding_ids);

insert into {{ collisions_table() }} ({{ raw_columns() | join(', ') }})
select
    {% for column in raw_columns() %}
    known_deliveries.{{ column }}{{ "," if not loop.last }}
    {% endfor %}
from known_deliveries
left join settled_events
    on known_deliveries.event_id = settled_events.event_id and known_deliveries.identity = settled_events.identity
where settled_events.event_id is null;

update {{ plan }} set
    merge_action = case
        when copy_count = 0 then 'insert'
        when event_id in (select changed_ids.event_id from changed_ids) then 'update'
        else 'unchanged'
    end
where merge_action = 'settle';
{% endmacro %}

{#-
    Of the first build, which makes the rows of tracks itself: the deliveries of the events that came later under an id
    that was taken.
-#}
{% macro insert_first_collisions() %}
delete from {{ collisions_table() }}
where
    window_start is not null
    and {{ fingerprint_of(delivered_columns()) }} in (
        select {{ fingerprint_of(delivered_columns()) }} from {{ source('posthog', 'raw_tracks') }}
    );

insert into {{ collisions_table() }} ({{ raw_columns() | join(', ') }})
with

delivered as (
    select * from {{ source('posthog', 'raw_tracks') }}
    where
        {{ since_cutover() }}
        and {{ in_merge_window() }}
),

numbered as (
    select
        *,
        {{ identity_fingerprint('delivered') }} as identity,
        first_value({{ identity_fingerprint('delivered') }}) over (
            partition by event_id order by {{ first_delivery_first() | indent(12) }}
        ) as first_identity
    from delivered
)

select {{ raw_columns() | join(', ') }}
from numbered
where identity != first_identity
{% endmacro %}

{#- Of ids that are in tracks as another event than the window delivers them, makes ids to be settled (BigQuery). -#}
{% macro find_collisions(tracks, plan) %}
update {{ plan }} set
    merge_action = 'settle',
    is_colliding = true
where
    may_collide
    and event_id in (
        select stored.event_id
        from {{ tracks }} as stored
        inner join {{ plan }} as suspected on stored.event_id = suspected.event_id
        where
            suspected.may_collide
            and {{ identity_fingerprint('stored') }} != suspected.identity
            and (timestamp_trunc(stored.created_at, day) in unnest(identity_days) or stored.created_at is null)
    )
{% endmacro %}

{#- A table that is written, and so must not be limited by `dbt run --empty`. -#}
{% macro collisions_table() %}
    {% do return(source('posthog_ops', 'tracks_collisions').render()) %}
{% endmacro %}

{#- A first delivery that raw_tracks does not hold comes before all others. -#}
{% macro oldest_first() -%} case when is_oldest then 0 else 1 end {%- endmacro %}

{#- The columns of raw_tracks and tracks_collisions. -#}
{% macro raw_columns() %}
    {% do return(track_columns() + ['window_start', 'source_file']) %}
{% endmacro %}

{#- The columns of a delivery but its time and the loader's stamp, which may differ in the row that it became. -#}
{% macro delivered_columns() %}
    {% do return(content_columns() | reject('equalto', 'bq_ingested_timestamp') | list) %}
{% endmacro %}

{#- DuckDB's own number of a row, by which other columns of a few rows are read for nothing. -#}
{% macro row_place(table) %}
    {% do return(table ~ ".rowid") %}
{% endmacro %}
