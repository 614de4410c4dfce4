-- tracks with one copy of each event, beside tracks itself, where it can be verified before anybody reads it.
create or replace table {{ rewritten }} (
    {% for column in tracks.columns %}
    {{ column.name }} {{ column.type }}
        options (description = {{ column.description | tojson }}){{ "," if not loop.last }}
    {% endfor %}
)
partition by timestamp_trunc(created_at, day)
cluster by {{ tracks.table.clustered_by | join(", ") }}
options (description = {{ tracks.table.description | tojson }})
as
select {{ shared.names(tracks.columns) }}
from {{ tracks }}
where true
qualify row_number() over (
    partition by event_id order by {{ shared.winner_first(tracks.columns, dialect) | indent(4) }}
) = 1
