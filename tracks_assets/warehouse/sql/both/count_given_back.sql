-- How many rows a rollback moves, and how many rows their events have.
with

moved as (
    select event_id from given_back
    where created_at != created_at_now
),

final as (
    select
        (select count(*) from moved) as moved_rows,
        count(*) as rows_of_moved_events
    from given_back
    where event_id in (select moved.event_id from moved)
)

select * from final
