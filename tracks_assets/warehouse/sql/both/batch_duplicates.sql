-- Of the ids that a window of export hours delivered, those that stand more than once in tracks; with a few examples.
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
        count(*) as ids,
        {{ dialect.first_texts("event_id", 10) }} as examples
    from repeated
)

select * from final
