{#-
    `dbt run-operation note_contents`: notes the contents that stand, for a table of events that no merge of this pipeline
    wrote. What is not noted is updated by its first newer re-delivery, and on BigQuery billed for its whole day.

    It reads all of tracks, once; to run it again is safe. Events that stand twice are left out: once a dedup has removed
    a copy, nothing of it may be taken for what stands.
-#}
{% macro note_contents() %}
    {% call statement('note_contents', auto_begin=false) %}
        {{ insert_standing_contents(ref('posthog_tracks')) }}
    {% endcall %}
{% endmacro %}

{% macro insert_standing_contents(tracks) -%}
insert into {{ source('posthog', 'tracks_contents') }} (content)
select content
from (
    select {{ content_fingerprint() }} as content
    from {{ tracks }}
    where event_id not in (
        select event_id from {{ tracks }}
        where event_id is not null
        group by event_id
        having count(*) > 1
    )
) as standing
where content not in (select content from {{ source('posthog', 'tracks_contents') }})
{%- endmacro %}
