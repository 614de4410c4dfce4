-- The rows of the events that one restore touches, and the sums of their hashes, with and without their times.
{% set timeless = tracks.columns | rejectattr("name", "equalto", "created_at") | list %}
select
    count(*) as all_rows,
    {{ dialect.hash_sum(tracks.columns) }} as content,
    {{ dialect.hash_sum(timeless) }} as content_without_time
from {{ table }}
where event_id in (
    select moved.event_id from {{ archived_times }} as moved
    where moved.restore_id = {{ parameter("repair_id") }}
)
