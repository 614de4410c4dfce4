-- The export hours of a window as the logs have them: of each hour its newest load and its newest merge. A merge that
-- is run again inserts nothing, so what an hour brought to tracks is the sum over all of its merges.
with

loaded_hours as (
    select
        window_start,
        bq_ingested_timestamp,
        files,
        rows_read,
        rows_accepted,
        rows_rejected,
        milliseconds,
        bytes_billed,
        row_number() over (partition by window_start order by bq_ingested_timestamp desc) as from_newest
    from {{ load_log }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
),

merged_hours as (
    select
        window_start,
        merged_at,
        rows_collided,
        rows_before_cutover,
        milliseconds,
        bytes_billed,
        sum(rows_inserted) over (partition by window_start) as rows_inserted,
        row_number() over (partition by window_start order by merged_at desc) as from_newest
    from {{ merge_log }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
),

newest_loads as (
    select * from loaded_hours
    where from_newest = 1
),

newest_merges as (
    select * from merged_hours
    where from_newest = 1
),

final as (
    select
        newest_loads.bq_ingested_timestamp as loaded_at,
        newest_loads.files,
        newest_loads.rows_read,
        newest_loads.rows_accepted,
        newest_loads.rows_rejected,
        newest_loads.milliseconds as load_milliseconds,
        newest_loads.bytes_billed as load_bytes_billed,
        newest_merges.merged_at,
        newest_merges.rows_inserted,
        newest_merges.rows_collided,
        newest_merges.rows_before_cutover,
        newest_merges.milliseconds as merge_milliseconds,
        newest_merges.bytes_billed as merge_bytes_billed,
        coalesce(newest_loads.window_start, newest_merges.window_start) as window_start
    from newest_loads
    full outer join newest_merges on newest_loads.window_start = newest_merges.window_start
)

select * from final
order by window_start
