-- How many rows collide, and how many of them with a row of tracks.
select
    count(*) as all_rows,
    count(*) filter (where is_stored_id) as of_stored_ids
from collided_legacy
