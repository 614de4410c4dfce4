-- Where duplicates went: by day of created_at, the newest day and the full days before it, the rows of duplicated ids,
-- and how many of them were moved there from before, by the time that their id carries.
with

newest as (
    select {{ dialect.day_of("max(created_at)") }} as newest_day
    from {{ tracks }}
),

duplicate_rows as (
    select
        tracks.event_id,
        tracks.created_at
    from {{ tracks }} as tracks
    inner join duplicate_ids on tracks.event_id = duplicate_ids.event_id
),

timed as (
    select
        created_at,
        {{ shared.minted_at(dialect) }} as minted_at
    from duplicate_rows
),

recent as (
    select
        timed.created_at,
        timed.minted_at
    from timed
    cross join newest
    where timed.created_at >= {{ dialect.hours_after("newest.newest_day", -recent_hours) }}
),

final as (
    select
        {{ dialect.day_of("created_at") }} as created_day,
        count(*) as duplicate_rows,
        sum(
            case when {{ dialect.seconds_between("created_at", "minted_at") }} > 86400 then 1 else 0 end
        ) as migrated_rows
    from recent
    group by created_day
)

select * from final
order by created_day
