-- The files of one hour of the old pipeline, in a table of their own: loading costs nothing, but it cannot be part of a
-- transaction.
load data overwrite {{ place("posthog", "legacy_hour") }} (
    {% for column in backfill_tracks.columns %}
    {{ column.name }} {{ column.type }}{{ "," if not loop.last }}
    {% endfor %}
)
from files (format = 'PARQUET', uris = [{{ files | map("tojson") | join(", ") }}])
