-- How the events that a dedup removed copies of stand now, each compared by the hash sum of its rows with the snapshot:
-- merged_since, the copy that stayed is not as it was; damaged, the archive does not hold the other copies;
-- not_as_before, all copies together are not those of the snapshot.
with

archived as (
    select * from {{ tracks_duplicates }}
    where dedup_id = {{ parameter("repair_id") }}
),

copies as (
    select *
    from {{ snapshot }}
    where event_id in (select archived.event_id from archived)
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_id order by {{ shared.winner_first(tracks.columns, dialect) | indent(12) }}
        ) as from_winner
    from copies
),

before as (
    select
        event_id,
        sum(case when from_winner = 1 then {{ dialect.row_hash(tracks.columns) }} else 0 end) as winner,
        sum(case when from_winner > 1 then {{ dialect.row_hash(tracks.columns) }} else 0 end) as losers
    from numbered
    group by event_id
),

archive as (
    select
        event_id,
        sum({{ dialect.row_hash(tracks.columns) }}) as losers
    from archived
    group by event_id
),

standing as (
    select
        event_id,
        sum({{ dialect.row_hash(tracks.columns) }}) as content
    from {{ tracks }}
    where event_id in (select archived.event_id from archived)
    group by event_id
),

compared as (
    select
        archive.losers as archive_losers,
        before.winner,
        before.losers,
        coalesce(standing.content, 0) as standing
    from archive
    left join before on archive.event_id = before.event_id
    left join standing on archive.event_id = standing.event_id
),

final as (
    select
        count(*) as events,
        coalesce(sum(case when standing = winner then 0 else 1 end), 0) as merged_since,
        coalesce(sum(case when archive_losers = losers then 0 else 1 end), 0) as damaged,
        coalesce(sum(case when standing = winner + losers then 0 else 1 end), 0) as not_as_before
    from compared
)

select * from final
