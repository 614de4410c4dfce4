update {{ tracks }} as stored set
    person_id = squash_mapping.mapped_person_id
from squash_mapping
where
    stored.user_id = squash_mapping.mapped_user_id
    and stored.event_id is not null
    and stored.person_id is distinct from squash_mapping.mapped_person_id
    and {{ shared.in_days(days, dialect, "stored") }}
