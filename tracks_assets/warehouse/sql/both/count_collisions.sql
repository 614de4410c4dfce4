-- Rows and ids of tracks_collisions, with a few examples.
with

colliding as (
    select
        event_id,
        count(*) as copies
    from {{ tracks_collisions }}
    group by event_id
),

examples as (
    select event_id
    from colliding
    order by event_id
    limit 10
),

final as (
    select
        (select coalesce(sum(copies), 0) from colliding) as all_rows,
        (select count(*) from colliding) as ids,
        array(
            select examples.event_id
            from examples
            order by examples.event_id
        ) as examples
)

select * from final
