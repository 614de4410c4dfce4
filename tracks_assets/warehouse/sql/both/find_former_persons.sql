-- The rows that still have the person that a squash wrote, each with the one before it: what the archive has for the
-- event or, where it has several for a duplicated event, for the row's time. Where it has several for that as well, it
-- is unknown which is the row's, and the row is left out.
create or replace temp table former_persons as
with

archived as (
    select
        event_id,
        user_id,
        created_at,
        person_id,
        squashed_person_id,
        min(coalesce(person_id, '')) over (partition by event_id, user_id)
        = max(coalesce(person_id, '')) over (partition by event_id, user_id) as is_of_event,
        min(coalesce(person_id, '')) over (partition by event_id, user_id, created_at)
        = max(coalesce(person_id, '')) over (partition by event_id, user_id, created_at) as is_of_time
    from {{ archived_person_ids }}
    where squash_id = {{ parameter("squash_id") }}
),

former as (
    select
        event_id,
        user_id,
        case when not is_of_event then created_at end as created_at,
        is_of_event,
        squashed_person_id,
        max(person_id) as former_person_id
    from archived
    where is_of_event or is_of_time
    group by event_id, user_id, case when not is_of_event then created_at end, is_of_event, squashed_person_id
),

final as (
    select
        stored.event_id as former_event_id,
        stored.user_id as former_user_id,
        coalesce(stored.created_at, {{ shared.long_ago(dialect) }}) as former_created_at,
        former.squashed_person_id,
        former.former_person_id,
        count(*) as row_count
    from {{ tracks }} as stored
    inner join former
        on
            stored.event_id = former.event_id
            and stored.user_id = former.user_id
            and stored.person_id = former.squashed_person_id
    where former.is_of_event or stored.created_at = former.created_at
    group by
        stored.event_id,
        stored.user_id,
        stored.created_at,
        former.squashed_person_id,
        former.former_person_id
)

select * from final
