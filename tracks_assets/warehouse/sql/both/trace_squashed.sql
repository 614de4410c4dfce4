-- Every person of one event that squash_person_overrides put into its archive, and how far that squash came.
select
    archived.user_id,
    archived.person_id,
    archived.squashed_person_id,
    archived.squash_id,
    archived.squashed_at,
    squashes.state
from {{ archived_person_ids }} as archived
left join {{ person_squashes }} as squashes on archived.squash_id = squashes.squash_id
where archived.event_id = {{ parameter("event_id") }}
