-- The events under one id: that of tracks, and those of tracks_collisions.
with

sightings as (
    select
        event_name,
        user_id,
        true as is_stored
    from {{ tracks }}
    where event_id = {{ parameter("event_id") }}
    union all
    select
        event_name,
        user_id,
        false as is_stored
    from {{ tracks_collisions }}
    where event_id = {{ parameter("event_id") }}
)

select distinct
    event_name,
    user_id,
    is_stored
from sightings
order by is_stored desc, event_name asc nulls last, user_id asc nulls last
