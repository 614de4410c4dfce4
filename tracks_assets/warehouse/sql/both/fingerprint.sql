-- Whether a table with the columns of tracks is the same as before: its rows, and the sum of their hashes.
select
    count(*) as all_rows,
    count(event_id) as rows_with_id,
    {{ dialect.hash_sum(tracks.columns) }} as content
from {{ table }}
