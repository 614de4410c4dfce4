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

final as (
    select
        (select count(*) from batch) as batch_ids,
        (select count(*) from colliding) as ids,
        {{ shared.first_ids("colliding") | indent(8) }} as examples
)

select * from final
