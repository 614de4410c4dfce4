-- The persons with the most distinct_ids, of those with more than a limit, each with the number of all such persons.
with

persons as (
    select
        team_id,
        person_id,
        count(*) as distinct_ids
    from {{ person_distinct_ids }}
    where is_deleted is not true and person_id is not null
    group by team_id, person_id
    having count(*) > {{ parameter("usual") }}
),

final as (
    select
        person_id,
        distinct_ids,
        count(*) over () as persons
    from persons
)

select * from final
order by distinct_ids desc, person_id asc
limit {{ most }}
