-- The events that a dedup removed rows of, as they are now, each compared by the hash sum of its rows with the
-- snapshot: merged_since, the row that was kept is not as it was; damaged, the archive does not hold the other rows;
-- not_as_before, all rows together are not those of the snapshot.
with

archived as (
    select * from {{ archived_duplicates }}
    where dedup_id = {{ parameter("repair_id") }}
),

duplicate_rows as (
    select *
    from {{ snapshot }}
    where event_id in (select archived.event_id from archived)
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_id order by {{ shared.kept_first(tracks.columns, dialect) | indent(12) }}
        ) as keep_order
    from duplicate_rows
),

before as (
    select
        event_id,
        sum(case when keep_order = 1 then {{ dialect.row_hash(tracks.columns) }} else 0 end) as kept,
        sum(case when keep_order > 1 then {{ dialect.row_hash(tracks.columns) }} else 0 end) as removed
    from numbered
    group by event_id
),

archive as (
    select
        event_id,
        sum({{ dialect.row_hash(tracks.columns) }}) as removed
    from archived
    group by event_id
),

stored as (
    select
        event_id,
        sum({{ dialect.row_hash(tracks.columns) }}) as content
    from {{ tracks }}
    where event_id in (select archived.event_id from archived)
    group by event_id
),

compared as (
    select
        archive.removed as archived,
        before.kept,
        before.removed,
        coalesce(stored.content, 0) as stored
    from archive
    left join before on archive.event_id = before.event_id
    left join stored on archive.event_id = stored.event_id
),

final as (
    select
        count(*) as events,
        coalesce(sum(case when stored = kept then 0 else 1 end), 0) as merged_since,
        coalesce(sum(case when archived = removed then 0 else 1 end), 0) as damaged,
        coalesce(sum(case when stored = kept + removed then 0 else 1 end), 0) as not_as_before
    from compared
)

select * from final
