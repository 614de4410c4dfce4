delete from {{ table }}
where true
