-- The events that a restore touched, as they are now, each compared by the hash sum of its rows with what the restore
-- saw and left: merged_since, they are not as it left them; not_as_before, they are not as it saw them. And whether
-- the archive holds the times that the snapshot holds.
{% set time_columns = archived_times.columns
    | selectattr("name", "in", ["event_id", "created_at", "restored_created_at"]) | list %}
with

seen as (
    select
        event_id,
        sum(content) as content,
        sum(restored_content) as restored_content
    from seen_rows
    group by event_id
),

stored as (
    select
        event_id,
        sum({{ dialect.row_hash(tracks.columns) }}) as content
    from {{ tracks }}
    where event_id in (select seen.event_id from seen)
    group by event_id
),

compared as (
    select
        coalesce(stored.content = seen.restored_content, false) as is_as_left,
        coalesce(stored.content = seen.content, false) as is_as_before
    from seen
    left join stored on seen.event_id = stored.event_id
),

events as (
    select
        count(*) as events,
        coalesce(sum(case when is_as_left then 0 else 1 end), 0) as merged_since,
        coalesce(sum(case when is_as_before then 0 else 1 end), 0) as not_as_before
    from compared
),

archived_times as (
    select
        count(*) as all_rows,
        {{ dialect.hash_sum(time_columns) }} as content
    from {{ archived_times }}
    where restore_id = {{ parameter("repair_id") }}
),

seen_times as (
    select
        count(*) as all_rows,
        {{ dialect.hash_sum(time_columns) }} as content
    from seen_rows
    where is_moved
),

final as (
    select
        events.events,
        events.merged_since,
        events.not_as_before,
        archived_times.all_rows as archived_times,
        archived_times.all_rows = seen_times.all_rows
        and archived_times.content = seen_times.content as is_archive_complete
    from events
    cross join archived_times
    cross join seen_times
)

select * from final
