-- The mappings, the events that have another person now than in tracks, and those that a squash gave another.
with mapped as (
    select
        count(*) as mappings,
        count(*) filter (is_deleted) as deleted
    from {{ person_distinct_ids }}
),

events as (
    select count(*) filter (tracks.person_id is distinct from by_person.person_id) as another_person
    from {{ tracks }} as tracks
    inner join {{ tracks_by_person }} as by_person on tracks.event_id = by_person.event_id
),

squashes as (
    select coalesce(sum(rows_squashed), 0) as squashed
    from {{ person_squashes }}
)

select
    mapped.mappings,
    mapped.deleted,
    events.another_person,
    squashes.squashed
from mapped
cross join events
cross join squashes
