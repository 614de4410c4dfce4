{#-
    The events of each delivered day, each once, under the names that both forms of the export give their properties.

    Of several deliveries of an event in one day, the one that Mixpanel processed last is taken, as Mixpanel itself does.
    Days are compared with each other by mp_events. Every window is within a day, so a query that names days reads only
    those.
-#}
{{ config(materialized='view', alias='stg_mp_dedup_events') }}

with

delivered as (
    select * from {{ source('mixpanel', 'mp_master_event') }}
),

keyed as (
    select
        {{ mixpanel_dedup_id() | indent(8) }} as dedup_id,
        *
    from delivered
),

numbered as (
    select
        *,
        row_number() over (
            partition by window_start, dedup_id, time, event_name, distinct_id
            order by {{ mixpanel_last_first() | indent(12) }}
        ) as from_last
    from keyed
),

final as (
    select
        dedup_id,
        mp_insert_id,
        time,
        event_name,
        coalesce(
            nullif({{ mixpanel_property(['$user_id', 'mp_user_id']) }}, ''), nullif(distinct_id, '')
        ) as customer_id,
        distinct_id,
        {% for name, keys in mixpanel_properties().items() %}
        {{ mixpanel_property(keys) }} as {{ name }},
        {% endfor %}
        properties,
        processed_at,
        bq_ingested_timestamp,
        window_start,
        source_file,
        row_number
    from numbered
    where from_last = 1
)

select * from final
