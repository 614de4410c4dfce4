-- Of the rows that are missing, those that are not inserted: all but one for each id. The id belongs to the event that
-- was delivered first; rows of another event collide. Equal ids have equal hashes, so that only rows whose hash comes
-- more than once are read in full and put in order.
create or replace temporary table repeated_legacy as
with

repeated_hashes as (
    select id_hash
    from missing_legacy
    group by id_hash
    having count(*) > 1
),

suspected as (
    select row_id
    from missing_legacy
    where id_hash in (select repeated_hashes.id_hash from repeated_hashes)
),

identified as (
    select
        rowid as row_id,
        {{ shared.names(tracks.columns) }},
        {{ dialect.identity() }} as identity,
        first_value({{ dialect.identity() }}) over (
            partition by event_id order by {{ dialect.first_delivery_first() | indent(12) }}
        ) as first_identity
    from {{ backfill_tracks }}
    where rowid in (select suspected.row_id from suspected)
),

numbered as (
    select
        row_id,
        identity != first_identity as is_collided,
        row_number() over (
            partition by event_id, identity order by {{ shared.kept_first(tracks.columns, dialect) | indent(12) }}
        ) as keep_order
    from identified
),

final as (
    select
        row_id,
        is_collided
    from numbered
    where is_collided or keep_order > 1
)

select * from final
