-- The newest hour (its start) that is in raw_tracks, and the newest that is in tracks.
select
    (select max(window_start) from {{ load_log }}) as loaded,
    (select max(window_start) from {{ merge_log }}) as merged
