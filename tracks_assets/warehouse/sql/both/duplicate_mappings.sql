-- A few mappings that are stored more than once, each with the number of all such mappings.
with

duplicates as (
    select
        team_id,
        distinct_id,
        count(*) as row_count
    from {{ person_distinct_ids }}
    group by team_id, distinct_id
    having count(*) > 1
),

final as (
    select
        team_id,
        distinct_id,
        row_count,
        count(*) over () as mappings
    from duplicates
)

select * from final
order by row_count desc, team_id asc, distinct_id asc
limit {{ most }}
