-- Every person of some days that is going to be replaced, with the one that replaces it.
insert into {{ archived_person_ids }} ({{ shared.names(archived_person_ids.columns) }})
select
    {{ parameter("squash_id") }} as squash_id,
    stored.event_id,
    stored.user_id,
    stored.created_at,
    stored.person_id,
    squash_mapping.mapped_person_id as squashed_person_id,
    {{ parameter("squashed_at") }} as squashed_at
from {{ tracks }} as stored
inner join squash_mapping on stored.user_id = squash_mapping.mapped_user_id
where
    stored.event_id is not null
    and stored.person_id is distinct from squash_mapping.mapped_person_id
    and {{ shared.in_days(days, dialect, "stored") }}
