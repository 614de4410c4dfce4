-- What tracks holds: rows, distinct ids, and events that have another time than that of their first delivery.
with

numbered as (
    select
        event_id,
        created_at,
        row_number() over (
            partition by event_id order by event_inserted_at asc nulls first, created_at asc
        ) as from_first
    from {{ raw_tracks }}
    where created_at >= {{ parameter("cutover") }}
),

first_deliveries as (
    select
        event_id,
        created_at
    from numbered
    where from_first = 1
),

final as (
    select
        count(*) as all_rows,
        count(distinct tracks.event_id) as distinct_ids,
        coalesce(sum(case when tracks.created_at != first_deliveries.created_at then 1 else 0 end), 0) as moved
    from {{ tracks }} as tracks
    left join first_deliveries on tracks.event_id = first_deliveries.event_id
)

select * from final
