-- All copies but one of each event, in the order in which the archive took them, with the hash of each.
create or replace temporary table losers as
with

numbered as (
    select
        rowid as place,
        {{ dialect.row_hash(tracks.columns) }} as content,
        row_number() over (
            partition by event_id order by {{ shared.winner_first(tracks.columns, dialect) | indent(12) }}
        ) as from_winner
    from {{ tracks }}
    where event_id in (select touched.event_id from {{ touched }} as touched)
),

final as (
    select
        place,
        content
    from numbered
    where from_winner > 1
)

select * from final
