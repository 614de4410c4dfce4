-- Of the ids that a dedup removed copies of, how many do not stand as the snapshot has them: with the archived rows
-- given back ("together" = archive) these were merged since; once they are back in tracks, no others may differ.
with

archived as (
    select * from {{ tracks_duplicates }}
    where dedup_id = {{ parameter("repair_id") }}
),

standing as (
    select {{ shared.names(tracks.columns) }}
    from {{ tracks }}
    where event_id in (select archived.event_id from archived)
    {% if with_archive %}
    union all
    select {{ shared.names(tracks.columns) }} from archived
    {% endif %}
),

standing_contents as (
    select
        event_id,
        sum({{ dialect.row_hash(tracks.columns) }}) as content
    from standing
    group by event_id
),

snapshot_contents as (
    select
        event_id,
        sum({{ dialect.row_hash(tracks.columns) }}) as content
    from {{ snapshot }}
    where event_id in (select archived.event_id from archived)
    group by event_id
),

final as (
    select count(*) as ids
    from snapshot_contents
    left join standing_contents on snapshot_contents.event_id = standing_contents.event_id
    where standing_contents.content is null or snapshot_contents.content != standing_contents.content
)

select * from final
