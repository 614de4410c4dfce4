-- Of the rows that are missing, leaves one for each id. Equal ids have equal hashes, so that only rows whose hash comes
-- more than once are read whole and put in order.
delete from missing_legacy
where place in (
    with

    repeated_hashes as (
        select id_hash
        from missing_legacy
        group by id_hash
        having count(*) > 1
    ),

    suspected as (
        select place
        from missing_legacy
        where id_hash in (select repeated_hashes.id_hash from repeated_hashes)
    ),

    numbered as (
        select
            rowid as repeated_place,
            row_number() over (
                partition by event_id order by {{ shared.winner_first(tracks.columns, dialect) | indent(16) }}
            ) as from_winner
        from {{ backfill_tracks }}
        where rowid in (select suspected.place from suspected)
    ),

    final as (
        select repeated_place
        from numbered
        where from_winner > 1
    )

    select * from final
)
