-- Ids that have several (event_name, user_id), where nothing counts as a value of its own; with a few examples.
with

events as (
    select distinct
        tracks.event_id,
        tracks.event_name,
        tracks.user_id
    from {{ tracks }} as tracks
    inner join duplicate_ids on tracks.event_id = duplicate_ids.event_id
),

colliding as (
    select event_id
    from events
    group by event_id
    having count(*) > 1
),

final as (
    select
        (select count(*) from colliding) as ids,
        {{ shared.first_ids("colliding") | indent(8) }} as examples
)

select * from final
