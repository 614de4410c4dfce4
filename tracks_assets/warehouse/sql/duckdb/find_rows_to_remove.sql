-- All rows but one of each event, in the order in which the archive took them, with the hash of each.
create or replace temporary table rows_to_remove as
with

numbered as (
    select
        rowid as row_id,
        {{ dialect.row_hash(tracks.columns) }} as content,
        row_number() over (
            partition by event_id order by {{ shared.kept_first(tracks.columns, dialect) | indent(12) }}
        ) as keep_order
    from {{ tracks }}
    where event_id in (select touched.event_id from {{ touched }} as touched)
),

final as (
    select
        row_id,
        content
    from numbered
    where keep_order > 1
)

select * from final
