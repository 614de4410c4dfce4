-- Rows and ids of tracks_collisions, with a few examples.
with

colliding as (
    select
        event_id,
        count(*) as row_count
    from {{ tracks_collisions }}
    group by event_id
),

final as (
    select
        (select coalesce(sum(row_count), 0) from colliding) as all_rows,
        (select count(*) from colliding) as ids,
        {{ shared.first_ids("colliding") | indent(8) }} as examples
)

select * from final
