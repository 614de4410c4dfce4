-- In how many contents, over all columns, one event stands in tracks. The times of its copies, null counting as the
-- first, keep a partitioned table from being read whole.
select count(distinct {{ dialect.row_hash(tracks.columns) }}) as contents
from {{ tracks }}
where
    event_id = {{ parameter("event_id") }}
    and (created_at is null or created_at between {{ parameter("earliest") }} and {{ parameter("latest") }})
