-- Keys that have several rows in mp_events, among the events between two times, with up to ten examples.
with

repeated as (
    select
        dedup_id,
        time
    from {{ mp_events }}
    where time >= {{ parameter("first_time") }} and time <= {{ parameter("last_time") }}
    group by dedup_id, time
    having count(*) > 1
)

select
    (
        select count(*)
        from {{ mp_events }}
        where time >= {{ parameter("first_time") }} and time <= {{ parameter("last_time") }}
    ) as all_rows,
    (select count(*) from repeated) as duplicate_keys,
    array(
        select ids.dedup_id
        from (
            select dedup_id from repeated
            order by dedup_id
            limit 10
        ) as ids
        order by ids.dedup_id
    ) as examples
