delete from {{ archived_person_ids }}
where squash_id = {{ parameter("squash_id") }}
