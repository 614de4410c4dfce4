-- Every row that the dedup is going to remove, whole, with what tells of the copy that stays.
insert into {{ tracks_duplicates }} ({{ shared.names(tracks_duplicates.columns) }})
with

duplicated as (
    select event_id from {{ snapshot }}
    where event_id is not null
    group by event_id
    having count(*) > 1
),

copies as (
    select snapshot.*
    from {{ snapshot }} as snapshot
    inner join duplicated on snapshot.event_id = duplicated.event_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_id order by {{ shared.winner_first(tracks.columns, dialect) | indent(12) }}
        ) as from_winner
    from copies
),

winners as (
    select
        event_id,
        created_at as winner_created_at,
        bq_ingested_timestamp as winner_bq_ingested_timestamp
    from numbered
    where from_winner = 1
),

final as (
    select
        {% for column in tracks.columns %}
        numbered.{{ column.name }},
        {% endfor %}
        {{ parameter("repair_id") }} as dedup_id,
        {{ parameter("removed_at") }} as removed_at,
        winners.winner_created_at,
        winners.winner_bq_ingested_timestamp
    from numbered
    inner join winners on numbered.event_id = winners.event_id
    where numbered.from_winner > 1
)

select * from final
