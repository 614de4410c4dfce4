-- Of the ids that a window of export hours delivered, those that are duplicated in tracks; with a few examples.
with

batch as (
    select distinct event_id
    from {{ raw_tracks }}
    where
        window_start >= {{ parameter("window_start") }}
        and window_start < {{ parameter("window_end") }}
        and created_at >= {{ parameter("cutover") }}
),

repeated as (
    select tracks.event_id
    from {{ tracks }} as tracks
    inner join batch on tracks.event_id = batch.event_id
    group by tracks.event_id
    having count(*) > 1
),

final as (
    select
        (select count(*) from batch) as batch_ids,
        (select count(*) from repeated) as ids,
        {{ shared.first_ids("repeated") | indent(8) }} as examples
)

select * from final
