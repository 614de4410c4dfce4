-- Every time that is going to be replaced, with the time that replaces it and the stamps of the row.
insert into {{ archived_times }} ({{ shared.names(archived_times.columns) }})
select
    event_id,
    created_at,
    {{ shared.original_time(dialect) }} as restored_created_at,
    case when {{ shared.time_agrees(dialect) }} then '$time' else 'event_id' end as evidence,
    bq_ingested_timestamp,
    event_inserted_at,
    {{ parameter("repair_id") }} as restore_id,
    {{ parameter("restored_at") }} as restored_at
from {{ snapshot }}
where {{ shared.is_moved(dialect, parameter) }}
