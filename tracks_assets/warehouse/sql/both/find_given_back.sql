-- The rows of the events that a restore touched as they are to be after its rollback.
--
-- A row that is as the restore left it is paired with the row that the snapshot saw: rows are numbered among those that
-- are the same, so that a duplicated id finds each time once. A row that was merged since is given its time
-- back if it still carries the restored one, and if no row of its event was removed meanwhile: then it is unknown
-- which row is left.
create or replace temp table given_back as
{% set timeless = tracks.columns | rejectattr("name", "equalto", "created_at") | list %}
with

seen as (
    select
        *,
        count(*) over (partition by event_id) as row_count,
        row_number() over (
            partition by event_id, restored_created_at, content_without_time order by created_at
        ) as number_among_same
    from seen_rows
),

current_rows as (
    select
        {{ shared.names(tracks.columns) }},
        {{ dialect.row_hash(timeless) }} as content_without_time
    from {{ tracks }}
    where event_id in (select seen_rows.event_id from seen_rows)
),

stored as (
    select
        *,
        count(*) over (partition by event_id) as row_count,
        row_number() over (
            partition by event_id, created_at, content_without_time order by bq_ingested_timestamp
        ) as number_among_same
    from current_rows
),

paired as (
    select
        stored.*,
        seen.created_at as seen_created_at,
        seen.event_id is not null as is_paired
    from stored
    left join seen
        on
            stored.event_id = seen.event_id
            and stored.created_at = seen.restored_created_at
            and stored.content_without_time = seen.content_without_time
            and stored.number_among_same = seen.number_among_same
),

merged as (
    select
        *,
        row_number() over (
            partition by event_id, created_at, is_paired
            order by bq_ingested_timestamp, event_inserted_at, content_without_time
        ) as number_among_merged
    from paired
),

unpaired as (
    select
        seen.event_id,
        seen.created_at,
        seen.restored_created_at,
        seen.row_count,
        row_number() over (
            partition by seen.event_id, seen.restored_created_at order by seen.created_at, seen.content_without_time
        ) as number_among_merged
    from seen
    left join stored
        on
            seen.event_id = stored.event_id
            and seen.restored_created_at = stored.created_at
            and seen.content_without_time = stored.content_without_time
            and seen.number_among_same = stored.number_among_same
    where seen.is_moved and stored.event_id is null
),

final as (
    select
        {% for column in timeless %}
        merged.{{ column.name }},
        {% endfor %}
        merged.created_at as created_at_now,
        coalesce(merged.seen_created_at, unpaired.created_at, merged.created_at) as created_at
    from merged
    left join unpaired
        on
            not merged.is_paired
            and merged.event_id = unpaired.event_id
            and merged.created_at = unpaired.restored_created_at
            and merged.row_count = unpaired.row_count
            and merged.number_among_merged = unpaired.number_among_merged
)

select * from final
