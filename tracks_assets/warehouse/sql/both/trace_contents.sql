-- In how many contents, over all columns, tracks holds one event. The times of its rows, null counting as the
-- first, keep a partitioned table from being read in full.
select count(distinct {{ dialect.row_hash(tracks.columns) }}) as contents
from {{ tracks }}
where
    event_id = {{ parameter("event_id") }}
    and (created_at is null or created_at between {{ parameter("earliest") }} and {{ parameter("latest") }})
