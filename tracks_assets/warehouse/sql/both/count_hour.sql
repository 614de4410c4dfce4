-- Rows of one export hour that are stored: accepted and refused.
select
    (
        select count(*) from {{ raw_tracks }}
        where window_start = {{ parameter("window_start") }}
    ) as accepted,
    (
        select count(*) from {{ rejected_tracks }}
        where window_start = {{ parameter("window_start") }}
    ) as rejected
