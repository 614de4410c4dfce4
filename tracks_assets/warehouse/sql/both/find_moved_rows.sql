-- Every row of tracks that is later than its id says, with the time that it is to be given back.
create or replace temp table moved_rows as
select
    event_id,
    event_name,
    created_at,
    {{ shared.original_time(dialect) }} as restored_created_at,
    case when {{ shared.time_agrees(dialect) }} then '$time' else 'event_id' end as evidence
from {{ tracks }}
where {{ shared.is_moved(dialect, parameter) }}
