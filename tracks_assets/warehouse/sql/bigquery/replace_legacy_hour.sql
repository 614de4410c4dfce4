-- One hour of the frozen table, replaced by what a load job brought into a staging table, in one job.
begin transaction;

{{ shared.take_turn(backfill_tracks_turn) }};

-- A DELETE is billed for the whole day, whatever it finds, and most hours are loaded for the first time.
if exists (
    select 1 from {{ backfill_tracks }}
    where
        created_at >= timestamp {{ window_start | tojson }}
        and created_at < timestamp {{ window_end | tojson }}
) then
    delete from {{ backfill_tracks }}
    where
        created_at >= timestamp {{ window_start | tojson }}
        and created_at < timestamp {{ window_end | tojson }};
end if;

{% if staged %}
insert into {{ backfill_tracks }} ({{ shared.names(backfill_tracks.columns) }})
select
    {% for column in backfill_tracks.columns %}
    {{ shared.from_staging(column) }}{{ "," if not loop.last }}
    {% endfor %}
from {{ staged.backfill_tracks }};

{% endif %}
commit transaction;
