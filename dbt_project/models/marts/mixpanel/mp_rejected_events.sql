{#-
    Every delivery without a row of its own in mp_events, with the reason: a refused row, a collision, or a duplicate.

    Of the deliveries of one event, all but the first are duplicates, so that each counts on the day on which it came;
    the row of mp_events still has the content of the last. A delivery that was processed before all others, and comes
    after them, turns another into a duplicate. So the rows of every event of the merged days are made again, whatever
    day delivered them. The result is the same in whatever order days are merged.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        alias='mp_rejected_events',
        unique_key=['window_start', 'source_file', 'row_number'],
        full_refresh=false,
        partition_by=(
            {'field': 'window_start', 'data_type': 'timestamp', 'granularity': 'day'}
            if target.type == 'bigquery' else none
        ),
        cluster_by=['rejection_reason'] if target.type == 'bigquery' else none,
        pre_hook="{{ forget_rejected() }}",
    )
}}

with

keyed as (
    {{ mixpanel_keyed(on_batch_days=true) | indent(4) }}
),

batch_keys as (
    {{ mixpanel_batch_keys() | indent(4) }}
),

deliveries as (
    select keyed.*
    from keyed
    inner join batch_keys on keyed.dedup_id = batch_keys.dedup_id and keyed.time = batch_keys.time
),

refused as (
    select
        reason,
        raw,
        rejected_at as bq_ingested_timestamp,
        window_start,
        source_file,
        row_number
    from {{ source('posthog_ops', 'mp_refused_rows') }}
),

compared as (
    select
        deliveries.*,
        {{ identity('deliveries', ['event_name', 'distinct_id']) }}
        != {{ identity('stored', ['event_name', 'distinct_id']) }} as is_collision,
        row_number() over (
            partition by deliveries.dedup_id, deliveries.time, deliveries.event_name, deliveries.distinct_id
            order by {{ mixpanel_first_first('deliveries') | indent(12) }}
        ) as from_first
    from deliveries
    inner join {{ ref('mp_events') }} as stored
        on deliveries.dedup_id = stored.dedup_id and deliveries.time = stored.time
),

final as (
    select
        case when is_collision then 'collision' else 'duplicate' end as rejection_reason,
        bq_ingested_timestamp as rejection_timestamp,
        dedup_id,
        mp_insert_id,
        time,
        event_name,
        distinct_id,
        properties,
        processed_at,
        bq_ingested_timestamp,
        window_start,
        source_file,
        row_number
    from compared
    where is_collision or from_first > 1
    union all
    select
        reason as rejection_reason,
        bq_ingested_timestamp as rejection_timestamp,
        cast(null as string) as dedup_id,
        cast(null as string) as mp_insert_id,
        cast(null as timestamp) as time,
        cast(null as string) as event_name,
        cast(null as string) as distinct_id,
        raw as properties,
        cast(null as timestamp) as processed_at,
        bq_ingested_timestamp,
        window_start,
        source_file,
        row_number
    from refused
    where {{ in_merge_window(mixpanel_window()) }}
)

select * from final
