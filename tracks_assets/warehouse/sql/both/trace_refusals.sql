-- Every delivered row of one event that the contract refused.
select
    window_start,
    source_file,
    row_number,
    reason,
    rejected_at
from {{ rejected_tracks }}
where {{ dialect.json_member("raw", "uuid") }} = {{ parameter("event_id") }}
