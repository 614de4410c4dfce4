-- Every row of tracks that has another person than its user. A row without an id is left out, because no rollback would
-- find it.
create or replace temp table squash_rows as
select
    stored.event_id,
    stored.user_id,
    stored.created_at,
    stored.person_id,
    squash_mapping.mapped_person_id
from {{ tracks }} as stored
inner join squash_mapping on stored.user_id = squash_mapping.mapped_user_id
where
    stored.event_id is not null
    and stored.person_id is distinct from squash_mapping.mapped_person_id
