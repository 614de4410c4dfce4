-- Rows of one event that are the same cannot be distinguished by an update: all rows of an event of which one moves are
-- taken out, and put back by insert_moved_events.
delete from {{ tracks }}
where event_id in (
    select given_back.event_id from given_back
    where given_back.created_at != given_back.created_at_now
)
