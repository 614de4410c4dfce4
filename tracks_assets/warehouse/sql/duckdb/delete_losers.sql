-- Removes all copies but one of each event; only they are touched, so payloads of all other rows are never read.
delete from {{ tracks }}
where rowid in (
    select numbered.place
    from (
        select
            rowid as place,
            row_number() over (
                partition by event_id order by {{ shared.winner_first(tracks.columns, dialect) | indent(16) }}
            ) as from_winner
        from {{ tracks }}
        where event_id in (select touched.event_id from {{ touched }} as touched)
    ) as numbered
    where numbered.from_winner > 1
)
