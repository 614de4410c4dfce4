-- Gives tracks back what a dedup removed.
insert into {{ tracks }} ({{ shared.names(tracks.columns) }})
select {{ shared.names(tracks.columns) }}
from {{ archived_duplicates }}
where dedup_id = {{ parameter("repair_id") }}
