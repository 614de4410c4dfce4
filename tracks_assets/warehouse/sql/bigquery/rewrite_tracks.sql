-- tracks with one row of each event, into an empty table beside it, where it can be verified before anybody reads it.
insert into {{ rewritten }} ({{ shared.names(tracks.columns) }})
select {{ shared.names(tracks.columns) }}
from {{ tracks }}
where true
qualify row_number() over (
    partition by event_id order by {{ shared.kept_first(tracks.columns, dialect) | indent(4) }}
) = 1
