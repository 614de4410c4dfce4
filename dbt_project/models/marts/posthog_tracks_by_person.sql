{#-
    Every event of tracks with its current person: the one that its user_id belongs to now.

    1. It has exactly the rows of tracks, whatever the mappings are.
    2. If the user_id has no mapping, or a deleted one, the event keeps the person that it was ingested with.
    3. Only the mappings of one team are used: see the macro current_persons.

    `render` keeps `dbt build --empty` from writing an empty view.
-#}
{{
    config(
        materialized='view',
        alias='tracks_by_person',
    )
}}
{%- do check_variables() -%}

with

current_persons as (
    {{ current_persons(ref('posthog_person_distinct_ids').render(), env_var('TRACKS_TEAM_ID', '')) | indent(4) }}
),

final as (
    select
        {%- for name in event_columns() %}
        {% if name == 'person_id' -%}
        coalesce(current_persons.person_id, tracks.person_id) as person_id
        {%- else -%}
        tracks.{{ name }}
        {%- endif -%}
        {{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('posthog_tracks').render() }} as tracks
    left join current_persons on tracks.user_id = current_persons.distinct_id
)

select * from final
