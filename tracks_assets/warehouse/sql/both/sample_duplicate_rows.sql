-- A few duplicated events, each row on a row of its own, the one that would stay first.
with

chosen as (
    select event_id from duplicate_ids
    order by event_id
    limit {{ events }}
),

duplicate_rows as (
    select tracks.*
    from {{ tracks }} as tracks
    inner join chosen on tracks.event_id = chosen.event_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_id order by {{ shared.kept_first(tracks.columns, dialect) | indent(12) }}
        ) as keep_order
    from duplicate_rows
),

final as (
    select
        event_id,
        case when keep_order = 1 then 'stays' else 'goes' end as result,
        created_at,
        bq_ingested_timestamp,
        event_inserted_at,
        event_name,
        user_id,
        keep_order
    from numbered
)

select * from final
order by event_id, keep_order
