-- The persons of those users whose rows change.
insert into {{ squash_mappings }} ({{ shared.names(squash_mappings.columns) }})
select
    {{ parameter("squash_id") }} as squash_id,
    mapped_user_id,
    mapped_person_id
from squash_mapping
where mapped_user_id in (select squash_rows.user_id from squash_rows)
