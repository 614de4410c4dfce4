{#- Which person a distinct_id belongs to now, for models and statements, on both engines. -#}

{#-
    The current mappings as a query: distinct_id, person_id. Events have no team_id, so only the mappings of one team are
    used: those of `team_id`, or else of the only team that the table has. If it has several teams and none is named, no
    mapping is used. A deleted mapping is none. Of a distinct_id that is stored twice by mistake neither row is used, so
    a join with the result never multiplies rows.
-#}
{% macro current_persons(person_distinct_ids, team_id='') -%}
select
    distinct_id,
    any_value(person_id) as person_id
from {{ person_distinct_ids }}
where
    team_id = {{ team_id or only_team(person_distinct_ids) }}
    and is_deleted is not true
group by distinct_id
having count(*) = 1
{%- endmacro %}

{#- The only team of the mappings; null if there are several. -#}
{% macro only_team(person_distinct_ids) -%}
(select case when min(team_id) = max(team_id) then min(team_id) end from {{ person_distinct_ids }})
{%- endmacro %}
