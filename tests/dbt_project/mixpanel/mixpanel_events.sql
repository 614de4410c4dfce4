{#- A second model of event_merge, with a key of two columns, one of which is the time. It keeps its rebuild allowed. -#}
{%- set merge = {
    'source': ['mixpanel', 'raw_events'],
    'unique_key': ['mp_insert_id', 'time'],
    'time': 'time',
    'identity': ['name', 'distinct_id'],
    'delivery_order': ['processed_at', 'loaded_at'],
    'delivery_columns': ['export_day', 'file'],
    'cutover': '2026-03-02',
    'tables': {
        'contents': ['mixpanel', 'events_contents'],
        'redelivered': ['mixpanel', 'events_redelivered'],
        'collisions': ['mixpanel', 'events_collisions'],
        'log': ['mixpanel', 'events_log'],
        'lock': ['mixpanel', 'events_lock'],
    },
} -%}
{{
    config(
        materialized='event_merge',
        schema='mixpanel',
        alias='events',
        unique_key=merge.unique_key,
        persist_docs={'relation': true, 'columns': true},
        pre_hook="insert into mixpanel.hooks values ('before', (select count(*) from mixpanel.events_log))",
        post_hook="insert into mixpanel.hooks values ('after', (select count(*) from mixpanel.events_log))",
        meta={'event_merge': merge},
    )
}}

{{ event_merge(merge) }}
