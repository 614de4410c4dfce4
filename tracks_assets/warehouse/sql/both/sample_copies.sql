-- A few events that stand more than once, each copy on a row of its own, the one that would stay first.
with

chosen as (
    select event_id from duplicate_ids
    order by event_id
    limit {{ events }}
),

copies as (
    select tracks.*
    from {{ tracks }} as tracks
    inner join chosen on tracks.event_id = chosen.event_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_id order by {{ shared.winner_first(tracks.columns, dialect) | indent(12) }}
        ) as from_winner
    from copies
),

final as (
    select
        event_id,
        case when from_winner = 1 then 'stays' else 'goes' end as result,
        created_at,
        bq_ingested_timestamp,
        event_inserted_at,
        event_name,
        user_id,
        from_winner
    from numbered
)

select * from final
order by event_id, from_winner
