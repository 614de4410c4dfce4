-- Counts 64-bit hashes of the ids first, and ids themselves only where a hash comes twice: that holds a fifth of what
-- counting all ids holds, and gives the same ids, for equal ids have equal hashes.
create or replace temporary table duplicate_ids as
with

repeated_hashes as (
    select hash(event_id) as id_hash
    from {{ table }}
    where event_id is not null
    group by id_hash
    having count(*) > 1
),

suspected as (
    select event_id
    from {{ table }}
    where hash(event_id) in (select repeated_hashes.id_hash from repeated_hashes)
),

final as (
    select
        event_id,
        count(*) as row_count
    from suspected
    where event_id is not null
    group by event_id
    having count(*) > 1
)

select * from final
