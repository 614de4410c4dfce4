-- Rows beyond the first of each event id, from the duplicates that were found.
select
    count(*) as duplicate_ids,
    coalesce(sum(row_count - 1), 0) as excess_rows
from duplicate_ids
