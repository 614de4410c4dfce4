-- What tracks holds: rows, distinct ids, and events that stand at another time than that of their first delivery.
with

first_deliveries as (
    select
        event_id,
        arg_min(created_at, (coalesce(event_inserted_at, '0001-01-01'::timestamptz), created_at)) as created_at
    from {{ raw_tracks }}
    where created_at >= {{ parameter("cutover") }}
    group by event_id
),

final as (
    select
        count(*) as all_rows,
        count(distinct tracks.event_id) as distinct_ids,
        count(*) filter (where tracks.created_at != first_deliveries.created_at) as moved
    from {{ tracks }} as tracks
    left join first_deliveries on tracks.event_id = first_deliveries.event_id
)

select * from final
