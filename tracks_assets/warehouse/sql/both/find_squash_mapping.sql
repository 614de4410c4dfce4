-- The person that each user's events are to have: the current one, or the one that a squash began with. A deleted
-- mapping, or one without a person, is none.
create or replace temp table squash_mapping as
{% if of_squash %}
select
    user_id as mapped_user_id,
    person_id as mapped_person_id
from {{ squash_mappings }}
where squash_id = {{ parameter("squash_id") }}
{% else %}
select
    distinct_id as mapped_user_id,
    person_id as mapped_person_id
from (
    {{ dialect.current_persons(person_distinct_ids, parameter("team_id")) | indent(4) }}
) as current_persons
where person_id is not null
{% endif %}
