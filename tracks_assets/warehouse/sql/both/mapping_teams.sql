-- A few teams of person_distinct_ids, the wanted one and then the largest first, each with the number of all teams.
with

teams as (
    select
        team_id,
        count(*) as mappings
    from {{ person_distinct_ids }}
    group by team_id
),

final as (
    select
        team_id,
        mappings,
        count(*) over () as teams
    from teams
)

select * from final
order by {% if team_id %}team_id = {{ team_id }} desc, {% endif %}mappings desc, team_id asc
limit {{ most }}
