-- Rows beyond the first of each event id, in tracks itself or as it was earlier.
with

repeated as (
    select
        event_id,
        count(*) as row_count
    from {{ table }}
    where event_id is not null
    group by event_id
    having count(*) > 1
),

final as (
    select coalesce(sum(row_count - 1), 0) as excess_rows
    from repeated
)

select * from final
