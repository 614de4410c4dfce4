-- Keys that have several rows in mp_events, with up to ten examples. An event has one row by either key, so that rows
-- of a run with another TRACKS_MIXPANEL_KEY are found, whose dedup_ids differ.
with

repeated as (
    select
        dedup_id,
        time
    from {{ mp_events }}
    group by dedup_id, time
    having count(*) > 1
    union distinct
    select
        min(dedup_id) as dedup_id,
        time
    from {{ mp_events }}
    where mp_insert_id is not null
    group by mp_insert_id, time, event_name, distinct_id
    having count(*) > 1
)

select
    (select count(*) from {{ mp_events }}) as all_rows,
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
