-- A few ids that are duplicated, those whose rows were ingested last.
with

duplicate_rows as (
    select
        tracks.event_id,
        max(tracks.bq_ingested_timestamp) as ingested_at
    from {{ tracks }} as tracks
    inner join duplicate_ids on tracks.event_id = duplicate_ids.event_id
    group by tracks.event_id
),

final as (
    select event_id from duplicate_rows
    order by ingested_at desc nulls last, event_id asc
    limit 10
)

select * from final
