-- One export hour of raw_tracks and rejected_tracks, replaced by what load jobs brought into staging tables. JSON came
-- as text, for no load job makes JSON of Parquet; a number that BigQuery's JSON cannot hold exactly is rounded.
-- One job, so that whoever starts it may die: it is carried out whole or not at all.
begin transaction;

{{ shared.take_turn(raw_tracks_turn) }};

-- A DELETE is billed for the whole day, whatever it finds, and most hours are loaded for the first time.
if exists (
    select 1 from {{ raw_tracks }}
    where window_start = timestamp {{ window_start | tojson }}
) then
    delete from {{ raw_tracks }}
    where window_start = timestamp {{ window_start | tojson }};
end if;

{% if staged %}
insert into {{ raw_tracks }} ({{ shared.names(raw_tracks.columns) }})
select
    {% for column in raw_tracks.columns %}
    {{ shared.from_staging(column) }}{{ "," if not loop.last }}
    {% endfor %}
from {{ staged.raw_tracks }};

{% endif %}
delete from {{ rejected_tracks }}
where window_start = timestamp {{ window_start | tojson }};

{% if staged %}
insert into {{ rejected_tracks }} ({{ shared.names(rejected_tracks.columns) }})
select
    {% for column in rejected_tracks.columns %}
    {{ shared.from_staging(column) }}{{ "," if not loop.last }}
    {% endfor %}
from {{ staged.rejected_tracks }};

{% endif %}
insert into {{ load_log }} ({{ logged.keys() | join(", ") }})
values (
    {% for value in logged.values() %}
    {% if value.isoformat is defined %}
    timestamp {{ value.isoformat() | tojson }}{{ "," if not loop.last }}
    {% else %}
    {{ value | tojson }}{{ "," if not loop.last }}
    {% endif %}
    {% endfor %}
);

commit transaction;
