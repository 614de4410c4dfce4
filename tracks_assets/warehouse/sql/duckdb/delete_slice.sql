delete from {{ table }}
where
    {{ column }} >= {{ parameter("window_start") }}
    and {{ column }} < {{ parameter("window_end") }}
