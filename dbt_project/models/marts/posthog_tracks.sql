{#-
    Every event once.

    On an existing table the model is a plan: one row for each event id of the window, saying what the merge is to do
    with it and at which time the event stands afterwards. The plan reads keys only, never a payload, and matches ids
    over the whole table. macros/merge_by_plan.sql carries it out. On a missing table the model is the rows themselves.
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

deliveries as (
    select
        event_id,
        created_at,
        coalesce(event_inserted_at, {{ long_ago() }}) as inserted_at,
        bq_ingested_timestamp as ingested_at,
        window_start
    from {{ source('posthog', 'raw_tracks') }}
    where
        created_at >= {{ utc_timestamp(env_var('TRACKS_CUTOVER', '2026-03-04')) }}
        and {{ in_merge_window() }}
),

numbered as (
    select
        *,
        count(*) over (partition by event_id) as delivery_count,
        row_number() over (partition by event_id order by inserted_at, created_at) as from_first,
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

copies as (
    select
        tracks.event_id,
        max(tracks.created_at) over (partition by tracks.event_id) as created_at,
        min(tracks.created_at) over (partition by tracks.event_id) as earliest_at,
        coalesce(tracks.event_inserted_at, {{ long_ago() }}) as inserted_at,
        tracks.bq_ingested_timestamp as ingested_at,
        count(*) over (partition by tracks.event_id) as copy_count,
        row_number() over (
            partition by tracks.event_id
            order by coalesce(tracks.event_inserted_at, {{ long_ago() }}) desc, tracks.bq_ingested_timestamp desc
        ) as from_last
    from {{ this }} as tracks
    inner join last_deliveries on tracks.event_id = last_deliveries.event_id
),

standing as (
    select * from copies
    where from_last = 1
),

compared as (
    select
        last_deliveries.event_id,
        last_deliveries.window_start,
        last_deliveries.delivery_count,
        first_deliveries.created_at as first_created_at,
        standing.created_at as standing_created_at,
        standing.earliest_at as standing_earliest_at,
        coalesce(standing.copy_count, 0) as copy_count,
        last_deliveries.inserted_at > standing.inserted_at
        or (
            last_deliveries.inserted_at = standing.inserted_at
            and last_deliveries.ingested_at > coalesce(standing.ingested_at, {{ long_ago() }})
        ) as is_newer,
        (
            first_deliveries.inserted_at < standing.inserted_at
            or standing.inserted_at = {{ long_ago() }}
        )
        and first_deliveries.created_at < standing.created_at as is_original
    from last_deliveries
    inner join first_deliveries on last_deliveries.event_id = first_deliveries.event_id
    left join standing on last_deliveries.event_id = standing.event_id
),

final as (
    select
        event_id,
        window_start,
        delivery_count,
        copy_count,
        standing_earliest_at,
        standing_created_at,
        case
            when copy_count = 0 then 'insert'
            when is_newer then 'update'
            when is_original then 'restore_time'
            else 'unchanged'
        end as merge_action,
        case when copy_count > 0 and not is_original then standing_created_at else first_created_at end as created_at
    from compared
)

{% else %}

plan as (
    select
        last_deliveries.event_id,
        last_deliveries.window_start,
        last_deliveries.delivery_count,
        'insert' as merge_action,
        first_deliveries.created_at
    from last_deliveries
    inner join first_deliveries on last_deliveries.event_id = first_deliveries.event_id
),

rows_of_plan as (
    {{ rows_of_plan('plan', "merge_action = 'insert'") | indent(4) }}
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
