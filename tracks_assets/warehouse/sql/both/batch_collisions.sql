-- Ids in tracks_collisions that a window of export hours delivered, now or before; with a few examples.
with

batch as (
    select distinct event_id
    from {{ raw_tracks }}
    where
        window_start >= {{ parameter("window_start") }}
        and window_start < {{ parameter("window_end") }}
),

colliding as (
    select distinct collisions.event_id
    from {{ tracks_collisions }} as collisions
    left join batch on collisions.event_id = batch.event_id
    where
        batch.event_id is not null
        or (
            collisions.window_start >= {{ parameter("window_start") }}
            and collisions.window_start < {{ parameter("window_end") }}
        )
),

examples as (
    select event_id
    from colliding
    order by event_id
    limit 10
),

final as (
    select
        (select count(*) from batch) as batch_ids,
        (select count(*) from colliding) as ids,
        array(
            select examples.event_id
            from examples
            order by examples.event_id
        ) as examples
)

select * from final
