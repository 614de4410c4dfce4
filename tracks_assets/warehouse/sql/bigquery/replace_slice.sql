-- One slice of a feed's tables, replaced by what load jobs brought into staging tables. JSON came as text, because no
-- load job makes JSON of Parquet; a number that BigQuery's JSON cannot hold exactly is rounded.
-- It is one job, so that it is done in full or not at all, even if the process that started it dies.
begin transaction;

{{ dialect.write_lock(lock) }};

{% for part in parts %}
-- A DELETE is billed for the whole day, whatever it finds, and most hours are loaded for the first time.
if exists (
    select 1 from {{ part.table }}
    where
        {{ part.column }} >= timestamp {{ window_start | tojson }}
        and {{ part.column }} < timestamp {{ window_end | tojson }}
) then
    delete from {{ part.table }}
    where
        {{ part.column }} >= timestamp {{ window_start | tojson }}
        and {{ part.column }} < timestamp {{ window_end | tojson }};
end if;

{% if part.staged %}
insert into {{ part.table }} ({{ shared.names(part.table.columns) }})
select
    {% for column in part.table.columns %}
    {{ shared.from_staging(column) }}{{ "," if not loop.last }}
    {% endfor %}
from {{ part.staged }};

{% endif %}
{% endfor %}
{% if logged %}
insert into {{ log }} ({{ logged.keys() | join(", ") }})
values (
    {% for value in logged.values() %}
    {% if value.isoformat is defined %}
    timestamp {{ value.isoformat() | tojson }}{{ "," if not loop.last }}
    {% else %}
    {{ value | tojson }}{{ "," if not loop.last }}
    {% endif %}
    {% endfor %}
);

{% endif %}
commit transaction;
