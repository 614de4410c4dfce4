-- The rows that a squash changed.
select count(*) as all_rows
from {{ archived_person_ids }}
where squash_id = {{ parameter("squash_id") }}
