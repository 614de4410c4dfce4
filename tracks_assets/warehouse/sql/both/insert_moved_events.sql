insert into {{ tracks }} ({{ shared.names(tracks.columns) }})
select {{ shared.names(tracks.columns) }}
from given_back
where event_id in (
    select moved.event_id from given_back as moved
    where moved.created_at != moved.created_at_now
)
