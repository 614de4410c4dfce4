{#-
    Every event once, as of the newest load: tracks, and the deliveries of raw_tracks that are not merged yet. It holds
    the rows that tracks will hold once every delivery is merged; see macros/event_merge/live.sql.
-#}
{{ config(materialized='view', alias='tracks_live') }}

-- depends_on: {{ ref('posthog_tracks') }}, {{ source('posthog', 'raw_tracks') }}
-- depends_on: {{ source('posthog_ops', 'merge_log') }}, {{ source('posthog_ops', 'unchanged_redeliveries') }}
-- depends_on: {{ source('posthog_ops', 'tracks_collisions') }}, {{ source('posthog_ops', 'archived_person_ids') }}
{% do check_variables() %}
{% if execute %}
    {%- set tracks = graph.nodes['model.' ~ project_name ~ '.posthog_tracks'] -%}
    {%- set merge = event_merge_of(tracks.config.meta.event_merge, tracks) -%}
    {{ live_rows(merge, ref('posthog_tracks').render(), env_var('TRACKS_LIVE_HOURS', '')) }}
{% endif %}
