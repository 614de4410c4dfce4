-- The rows that load_legacy_hour loaded; in one transaction with delete_backfill_hour.
insert into {{ backfill_tracks }} ({{ shared.names(backfill_tracks.columns) }})
select {{ shared.names(backfill_tracks.columns) }}
from {{ place("posthog", "legacy_hour") }}
