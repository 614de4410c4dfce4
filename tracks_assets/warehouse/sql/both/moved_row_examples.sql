-- A few ids whose rows are more than 24 hours from the time that the id carries, the latest rows first.
with

tracks as (
    select
        event_id,
        created_at,
        {{ shared.minted_at(dialect) }} as minted_at
    from {{ tracks }}
),

final as (
    select event_id
    from tracks
    where abs({{ dialect.seconds_between("created_at", "minted_at") }}) > 86400
    order by created_at desc, event_id asc
    limit 10
)

select * from final
