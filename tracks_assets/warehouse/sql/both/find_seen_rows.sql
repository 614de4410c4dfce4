-- The rows of the events that a restore touched, as its snapshot saw them and as it left them. A row without a time of
-- its own in the archive was not touched itself; it is here because another row of its event was.
create or replace temp table seen_rows as
{% set timeless = tracks.columns | rejectattr("name", "equalto", "created_at") | list %}
with

archived as (
    select distinct
        event_id,
        created_at
    from {{ archived_times }}
    where restore_id = {{ parameter("repair_id") }}
),

seen as (
    select
        {{ shared.names(tracks.columns) }},
        {{ shared.original_time(dialect) }} as original_time,
        {{ dialect.row_hash(timeless) }} as content_without_time,
        {{ dialect.row_hash(tracks.columns) }} as content
    from {{ snapshot }}
    where event_id in (select archived.event_id from archived)
),

restored as (
    select
        {% for column in timeless %}
        seen.{{ column.name }},
        {% endfor %}
        seen.created_at as seen_created_at,
        case when archived.event_id is null then seen.created_at else seen.original_time end as created_at,
        archived.event_id is not null as is_moved,
        seen.content_without_time,
        seen.content
    from seen
    left join archived on seen.event_id = archived.event_id and seen.created_at = archived.created_at
),

final as (
    select
        event_id,
        seen_created_at as created_at,
        created_at as restored_created_at,
        is_moved,
        content_without_time,
        content,
        {{ dialect.row_hash(tracks.columns) }} as restored_content
    from restored
)

select * from final
