{#-
    Every event once.

    On an existing table the model is a plan: one row for each event id of the window, saying what the merge is to do
    with it and at which time the event stands afterwards. The plan reads keys only, never a payload of tracks, and
    matches ids over the whole table. macros/merge_by_plan.sql carries it out. On a missing table the model is the rows
    themselves.

    A delivery is compared with the last one that is known of its event: that whose content stands, or a later one that
    had the same content and so changed nothing (tracks_redelivered). What a newer delivery would make of the standing
    row is looked up among the rows that merges wrote (tracks_contents): where it is found, the content stands already.
    What no merge wrote is not found and is updated, so nothing rests on these tables being complete. Who changes
    contents of tracks by hand is to empty bq_ingested_timestamp there: then the row is no longer the one that was
    written.

    A window that delivers an id as several events, or as another event than tracks has it, is a collision: the plan says
    'settle' and no more, and macros/collisions.sql decides. DuckDB finds the stored event by the row's number, for
    nothing. BigQuery would be billed for two more columns of the whole table, so there the merge looks, on the days of
    the few ids that may collide: a re-delivery whose content is known is of the same event.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='event_id',
        alias='tracks',
        full_refresh=false,
        on_schema_change='ignore',
        partition_by=(
            {'field': 'created_at', 'data_type': 'timestamp', 'granularity': 'day'}
            if target.type == 'bigquery' else none
        ),
        cluster_by=['event_name', 'user_id'],
        meta={'merge': 'by_plan'},
    )
}}

with

delivered as (
    select * from {{ source('posthog', 'raw_tracks') }}
    where
        {{ since_cutover() }}
        and {{ in_merge_window() }}
),

deliveries as (
    select
        event_id,
        created_at,
        event_name,
        user_id,
        {{ identity_fingerprint('delivered') }} as identity,
        coalesce(event_inserted_at, {{ long_ago() }}) as inserted_at,
        bq_ingested_timestamp as ingested_at,
        window_start
    from delivered
),

numbered as (
    select
        event_id,
        created_at,
        identity,
        inserted_at,
        ingested_at,
        window_start,
        count(*) over (partition by event_id) as delivery_count,
        min(identity) over (partition by event_id) != max(identity) over (partition by event_id) as is_mixed,
        row_number() over (
            partition by event_id
            order by inserted_at asc, created_at asc, event_name asc nulls last, user_id asc nulls last
        ) as from_first,
        row_number() over (
            partition by event_id order by inserted_at desc, ingested_at desc, window_start desc
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
),

{% if is_incremental() %}

-- Without an alias in the FROM clause, because `dbt run --empty` puts a subquery with an alias of its own there.
redelivered as (
    select
        event_id,
        event_inserted_at,
        bq_ingested_timestamp,
        standing_inserted_at,
        standing_ingested_timestamp
    from {{ source('posthog', 'tracks_redelivered') }}
),

-- The newest delivery that repeated a row, for the events of the window.
repeats as (
    select
        redelivered.event_id,
        redelivered.event_inserted_at,
        redelivered.bq_ingested_timestamp,
        redelivered.standing_inserted_at,
        redelivered.standing_ingested_timestamp,
        row_number() over (
            partition by
                redelivered.event_id, redelivered.standing_inserted_at, redelivered.standing_ingested_timestamp
            order by
                coalesce(redelivered.event_inserted_at, {{ long_ago() }}) desc,
                redelivered.bq_ingested_timestamp desc
        ) as from_last
    from redelivered
    inner join last_deliveries on redelivered.event_id = last_deliveries.event_id
),

last_repeats as (
    select * from repeats
    where from_last = 1
),

known as (
    select
        tracks.event_id,
        tracks.created_at,
        tracks.event_inserted_at,
        tracks.bq_ingested_timestamp,
        {% if target.type == 'duckdb' %}
        {{ row_place('tracks') }} as place,
        {% endif %}
        coalesce(last_repeats.event_inserted_at, tracks.event_inserted_at, {{ long_ago() }}) as inserted_at,
        coalesce(last_repeats.bq_ingested_timestamp, tracks.bq_ingested_timestamp, {{ long_ago() }}) as ingested_at
    from {{ this }} as tracks
    inner join last_deliveries on tracks.event_id = last_deliveries.event_id
    left join last_repeats
        on
            tracks.event_id = last_repeats.event_id
            and coalesce(tracks.event_inserted_at, {{ long_ago() }})
            = coalesce(last_repeats.standing_inserted_at, {{ long_ago() }})
            and coalesce(tracks.bq_ingested_timestamp, {{ long_ago() }})
            = coalesce(last_repeats.standing_ingested_timestamp, {{ long_ago() }})
),

copies as (
    select
        event_id,
        event_inserted_at,
        bq_ingested_timestamp,
        inserted_at,
        ingested_at,
        max(created_at) over (partition by event_id) as created_at,
        min(created_at) over (partition by event_id) as earliest_at,
        count(*) over (partition by event_id) as copy_count,
        row_number() over (partition by event_id order by inserted_at desc, ingested_at desc) as from_last
    from known
),

standing as (
    select * from copies
    where from_last = 1
),

{% if target.type == 'duckdb' %}

stored_identities as (
    select
        {{ row_place('tracks') }} as place,
        {{ identity_fingerprint('tracks') }} as identity
    from {{ this }} as tracks
    where {{ row_place('tracks') }} in (select known.place from known)
),

{% endif %}

-- Ids of the window that are in tracks as another event.
other_events as (
    {% if target.type == 'duckdb' %}
    select distinct known.event_id
    from known
    inner join stored_identities on known.place = stored_identities.place
    inner join last_deliveries on known.event_id = last_deliveries.event_id
    where stored_identities.identity != last_deliveries.identity
    {% else %}
    select event_id from last_deliveries
    where false
    {% endif %}
),

compared as (
    select
        last_deliveries.event_id,
        last_deliveries.window_start,
        last_deliveries.delivery_count,
        last_deliveries.identity,
        last_deliveries.is_mixed or other_events.event_id is not null as is_colliding,
        last_deliveries.inserted_at,
        last_deliveries.ingested_at,
        first_deliveries.created_at as first_created_at,
        standing.created_at as standing_created_at,
        standing.earliest_at as standing_earliest_at,
        standing.event_inserted_at as standing_inserted_at,
        standing.bq_ingested_timestamp as standing_ingested_timestamp,
        coalesce(standing.copy_count, 0) as copy_count,
        last_deliveries.inserted_at > standing.inserted_at
        or (
            last_deliveries.inserted_at = standing.inserted_at and last_deliveries.ingested_at > standing.ingested_at
        ) as is_newer,
        (
            first_deliveries.inserted_at < standing.inserted_at
            or standing.inserted_at = {{ long_ago() }}
        )
        and first_deliveries.created_at < standing.created_at as is_original
    from last_deliveries
    inner join first_deliveries on last_deliveries.event_id = first_deliveries.event_id
    left join standing on last_deliveries.event_id = standing.event_id
    left join other_events on last_deliveries.event_id = other_events.event_id
),

-- What stands would be this, if its content were that of the delivery.
changes as (
    select
        event_id,
        delivery_count,
        standing_created_at as created_at,
        standing_inserted_at as event_inserted_at,
        standing_ingested_timestamp as bq_ingested_timestamp,
        'update' as merge_action
    from compared
    where is_newer and copy_count = 1 and not is_colliding
),

changed_contents as (
    select
        event_id,
        {{ content_fingerprint() }} as content
    from (
        {{
            rows_of_plan('changes', "true", of_plan=['created_at', 'event_inserted_at', 'bq_ingested_timestamp'])
            | indent(8)
        }}
    ) as changed
),

known_contents as (
    select distinct content
    from {{ source('posthog', 'tracks_contents') }}
    where content in (select changed_contents.content from changed_contents)
),

unchanged as (
    select changed_contents.event_id
    from changed_contents
    inner join known_contents on changed_contents.content = known_contents.content
),

final as (
    select
        compared.event_id,
        compared.window_start,
        compared.delivery_count,
        compared.copy_count,
        compared.identity,
        compared.is_colliding,
        compared.copy_count > 0 and not compared.is_colliding and unchanged.event_id is null as may_collide,
        compared.inserted_at,
        compared.ingested_at,
        compared.standing_earliest_at,
        compared.standing_created_at,
        compared.standing_inserted_at,
        compared.standing_ingested_timestamp,
        unchanged.event_id is not null as is_repeat,
        case
            when compared.is_colliding then 'settle'
            when compared.copy_count = 0 then 'insert'
            when compared.is_newer and unchanged.event_id is null then 'update'
            when compared.is_original then 'restore_time'
            else 'unchanged'
        end as merge_action,
        case
            when compared.copy_count > 0 and not compared.is_original then compared.standing_created_at
            else compared.first_created_at
        end as created_at
    from compared
    left join unchanged on compared.event_id = unchanged.event_id
)

{% else %}

plan as (
    select
        last_deliveries.event_id,
        last_deliveries.window_start,
        last_deliveries.delivery_count,
        first_deliveries.identity,
        'insert' as merge_action,
        first_deliveries.created_at
    from last_deliveries
    inner join first_deliveries on last_deliveries.event_id = first_deliveries.event_id
),

rows_of_plan as (
    {{ rows_of_plan('plan', "merge_action = 'insert'", of_identity=true) | indent(4) }}
),

final as (
    select
        {% for column in track_columns() %}
        {{ column }}{{ "," if not loop.last }}
        {% endfor %}
    from rows_of_plan
)

{% endif %}

select * from final
