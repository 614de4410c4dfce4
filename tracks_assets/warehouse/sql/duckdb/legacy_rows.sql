-- The rows of the old pipeline's files. Text becomes JSON by way of text, so that what is none is refused.
select
    {% for column in backfill_tracks.columns %}
    delivered.{{ column.name }}{{ "::json as " ~ column.name if column.type == 'JSON' }}{{ "," if not loop.last }}
    {% endfor %}
from legacy_rows
