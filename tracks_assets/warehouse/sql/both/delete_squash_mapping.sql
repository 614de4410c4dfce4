delete from {{ squash_mappings }}
where squash_id = {{ parameter("squash_id") }}
