delete from {{ table }}
where window_start = {{ parameter("window_start") }}
