{#-
    Every event once, at the time it happened, with the content of its last delivery.

    The materialization event_merge (macros/event_merge) keeps these rules, in whatever order hours are merged:
    1. One row per event_id. A re-delivery never moves it: only an older delivery that arrives late gives its time.
    2. The content is that of the newest delivery; a stale one changes nothing.
    3. An id that is delivered as another event is a collision: the first event keeps the row, the deliveries of the
       other go in full into tracks_collisions.
    4. Nothing is rebuilt: the table holds events that no delivery brings back.
    5. An event that squash_person_overrides gave another person keeps it, whatever is delivered.
-#}
{%- set merge = {
    'source': ['posthog', 'raw_tracks'],
    'unique_key': ['event_id'],
    'time': 'created_at',
    'identity': ['event_name', 'user_id'],
    'delivery_order': ['event_inserted_at', 'bq_ingested_timestamp'],
    'delivery_columns': ['window_start', 'source_file'],
    'cutover': env_var('TRACKS_CUTOVER', ''),
    'tables': {
        'contents': ['posthog_ops', 'content_fingerprints'],
        'redelivered': ['posthog_ops', 'unchanged_redeliveries'],
        'collisions': ['posthog_ops', 'tracks_collisions'],
        'log': ['posthog_ops', 'merge_log'],
        'lock': ['posthog_ops', 'tracks_lock'],
    },
    'overrides': {
        'person_id': {
            'table': ['posthog_ops', 'archived_person_ids'],
            'value': 'squashed_person_id',
            'same': 'user_id',
            'newest': 'squashed_at',
        },
    },
} -%}
{{
    config(
        materialized='event_merge',
        alias='tracks',
        unique_key=merge.unique_key,
        full_refresh=false,
        partition_by=(
            {'field': merge.time, 'data_type': 'timestamp', 'granularity': 'day'}
            if target.type == 'bigquery' else none
        ),
        cluster_by=['event_name', 'user_id'],
        meta={'event_merge': merge},
    )
}}

{{ event_merge(merge) }}
