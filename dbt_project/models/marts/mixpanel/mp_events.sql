{#-
    Every Mixpanel event once, with the content of its last delivery.

    The materialization event_merge (macros/event_merge) keeps these rules, in whatever order days are merged:
    1. One row per (dedup_id, time). The time is part of the key, so a duplicate of any age lies on the day of its own
       time: it is found there, however late it comes.
    2. The content is that of the delivery that Mixpanel processed last; a stale one changes nothing.
    3. A key that is delivered as another event (another name or distinct_id) is a collision: the first event keeps the
       row, the deliveries of the other go in full into mp_collisions. With the key of four parts there is none.
    4. Nothing is rebuilt: the table holds events that no delivery brings back.
-#}
{%- set merge = dict(mixpanel_window(), **{
    'source': ['stg_mp_dedup_events'],
    'unique_key': ['dedup_id', 'time'],
    'time': 'time',
    'identity': ['event_name', 'distinct_id'],
    'delivery_order': ['processed_at', 'bq_ingested_timestamp'],
    'delivery_columns': ['window_start', 'source_file', 'row_number'],
    'window_hours': 24,
    'cutover': '',
    'tables': {
        'contents': ['posthog_ops', 'mp_content_fingerprints'],
        'redelivered': ['posthog_ops', 'mp_unchanged_redeliveries'],
        'collisions': ['posthog_ops', 'mp_collisions'],
        'log': ['posthog_ops', 'mp_merge_log'],
        'lock': ['posthog_ops', 'mp_events_lock'],
    },
}) -%}
{{
    config(
        materialized='event_merge',
        alias='mp_events',
        unique_key=merge.unique_key,
        full_refresh=false,
        partition_by=(
            {'field': merge.time, 'data_type': 'timestamp', 'granularity': 'day'}
            if target.type == 'bigquery' else none
        ),
        cluster_by=['customer_id', 'mp_insert_id'],
        meta={'event_merge': merge},
    )
}}

{{ event_merge(merge) }}
