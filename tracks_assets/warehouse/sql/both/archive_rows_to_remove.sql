-- Every row that the dedup is going to remove, in full, with the time and stamp of the row that is kept.
insert into {{ archived_duplicates }} ({{ shared.names(archived_duplicates.columns) }})
with

duplicated as (
    select event_id from {{ snapshot }}
    where event_id is not null
    group by event_id
    having count(*) > 1
),

duplicate_rows as (
    select snapshot.*
    from {{ snapshot }} as snapshot
    inner join duplicated on snapshot.event_id = duplicated.event_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_id order by {{ shared.kept_first(tracks.columns, dialect) | indent(12) }}
        ) as keep_order
    from duplicate_rows
),

kept as (
    select
        event_id,
        created_at as kept_created_at,
        bq_ingested_timestamp as kept_bq_ingested_timestamp
    from numbered
    where keep_order = 1
),

final as (
    select
        {% for column in tracks.columns %}
        numbered.{{ column.name }},
        {% endfor %}
        {{ parameter("repair_id") }} as dedup_id,
        {{ parameter("removed_at") }} as removed_at,
        kept.kept_created_at,
        kept.kept_bq_ingested_timestamp
    from numbered
    inner join kept on numbered.event_id = kept.event_id
    where numbered.keep_order > 1
)

select * from final
