-- The rows of one file of the old pipeline. Text becomes JSON by way of text, so that what is none is refused.
select
    {% for column in backfill_tracks.columns %}
    {{ column.name }}{{ "::varchar::json as " ~ column.name if column.type == 'JSON' }}{{ "," if not loop.last }}
    {% endfor %}
from read_parquet({{ file | sql_text }})
