-- What tracks holds, but for duplicates, which are found by themselves.
with

tracks as (
    select
        event_id,
        created_at,
        bq_ingested_timestamp,
        {{ shared.minted_at(dialect) }} as minted_at
    from {{ tracks }}
),

final as (
    select
        count(*) as all_rows,
        count(event_id) as rows_with_id,
        coalesce(sum(
            case when abs({{ dialect.seconds_between("created_at", "minted_at") }}) > 86400 then 1 else 0 end
        ), 0) as moved_rows,
        min(bq_ingested_timestamp) as oldest_ingested_timestamp,
        max(bq_ingested_timestamp) as newest_ingested_timestamp
    from tracks
)

select * from final
