-- Where duplicates come from: by month of ingestion, the rows of ids that are duplicated, and their excess.
with

duplicate_rows as (
    select
        tracks.event_id,
        tracks.bq_ingested_timestamp,
        row_number() over (
            partition by tracks.event_id order by tracks.bq_ingested_timestamp desc nulls last
        ) as keep_order
    from {{ tracks }} as tracks
    inner join duplicate_ids on tracks.event_id = duplicate_ids.event_id
),

final as (
    select
        {{ dialect.month_of("bq_ingested_timestamp") }} as ingestion_month,
        count(*) as duplicate_rows,
        sum(case when keep_order > 1 then 1 else 0 end) as excess_rows
    from duplicate_rows
    group by ingestion_month
)

select * from final
order by ingestion_month
