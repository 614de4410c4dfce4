-- What one dedup put into its archive: rows, and the sum of their hashes as rows of tracks.
select
    count(*) as all_rows,
    count(event_id) as rows_with_id,
    {{ dialect.hash_sum(tracks.columns) }} as content
from {{ archived_duplicates }}
where dedup_id = {{ parameter("repair_id") }}
