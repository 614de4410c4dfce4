-- Every figure by day: of tracks from its count by day, of raw_tracks from the log of its loads. The largest event
-- names and clients have rows of their own, all others are one group; the purchase flow is counted apart.
{% set flow -%}
    {%- if purchase_flow -%}
        coalesce(event_name in (
            {%- for name in purchase_flow %}{{ ", " if not loop.first }}{{ parameter(name) }}{% endfor -%}
        ), false)
    {%- else -%}
        false
    {%- endif -%}
{%- endset %}
insert into {{ daily_metrics }} ({{ shared.names(daily_metrics.columns) }})
with

event_names as (
    select
        bucket_start,
        event_name,
        {{ flow }} as is_flow,
        row_count,
        sum(row_count) over (partition by event_name) as total
    from tracks_by_day
),

ranked_event_names as (
    select
        bucket_start,
        event_name,
        is_flow,
        row_count,
        dense_rank() over (partition by is_flow order by total desc, event_name asc) as size_rank
    from event_names
),

clients as (
    select
        bucket_start,
        client,
        row_count,
        sum(row_count) over (partition by client) as total
    from tracks_by_day
),

ranked_clients as (
    select
        bucket_start,
        client,
        row_count,
        dense_rank() over (order by total desc, client asc) as size_rank
    from clients
),

every_load as (
    select
        window_start,
        {{ dialect.day_of("window_start") }} as bucket_start,
        rows_accepted,
        min(bq_ingested_timestamp) over (partition by window_start) as first_loaded_at,
        row_number() over (partition by window_start order by bq_ingested_timestamp desc) as recency
    from {{ load_log }}
    where
        window_start >= {{ parameter("window_start") }}
        and window_start < {{ parameter("window_end") }}
),

loads as (
    select
        bucket_start,
        rows_accepted,
        {{ dialect.seconds_between("first_loaded_at", dialect.hours_after("window_start", 1)) }} as delay
    from every_load
    where recency = 1
),

measured as (
    select
        bucket_start,
        '{{ tracks.table.name }}' as table_name,
        'row_count' as metric_name,
        '' as dimension,
        cast(null as string) as dimension_value,
        row_count as metric_value
    from tracks_by_day
    union all
    select
        bucket_start,
        '{{ tracks.table.name }}' as table_name,
        'row_count' as metric_name,
        case
            when is_flow then 'purchase_flow'
            when size_rank <= {{ largest }} then 'event_name'
            else 'other_event_names'
        end as dimension,
        case when is_flow or size_rank <= {{ largest }} then event_name end as dimension_value,
        row_count as metric_value
    from ranked_event_names
    union all
    select
        bucket_start,
        '{{ tracks.table.name }}' as table_name,
        'row_count' as metric_name,
        case when size_rank <= {{ largest }} then 'client' else 'other_clients' end as dimension,
        case when size_rank <= {{ largest }} then client end as dimension_value,
        row_count as metric_value
    from ranked_clients
    union all
    select
        bucket_start,
        '{{ raw_tracks.table.name }}' as table_name,
        'row_count' as metric_name,
        '' as dimension,
        cast(null as string) as dimension_value,
        rows_accepted as metric_value
    from loads
    union all
    select
        bucket_start,
        '{{ raw_tracks.table.name }}' as table_name,
        'hours_loaded' as metric_name,
        '' as dimension,
        cast(null as string) as dimension_value,
        1 as metric_value
    from loads
),

delays as (
    select
        bucket_start,
        '{{ raw_tracks.table.name }}' as table_name,
        'update_delay' as metric_name,
        '' as dimension,
        cast(null as string) as dimension_value,
        cast(round(avg(delay)) as int64) as metric_value
    from loads
    group by bucket_start
),

final as (
    select
        bucket_start,
        table_name,
        metric_name,
        dimension,
        dimension_value,
        sum(metric_value) as metric_value
    from measured
    group by bucket_start, table_name, metric_name, dimension, dimension_value
    union all
    select
        bucket_start,
        table_name,
        metric_name,
        dimension,
        dimension_value,
        metric_value
    from delays
)

select
    bucket_start,
    table_name,
    metric_name,
    dimension,
    dimension_value,
    metric_value,
    {{ parameter("measured_at") }} as measured_at
from final
