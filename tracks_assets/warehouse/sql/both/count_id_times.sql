-- What the ids of tracks say about its times: rows, those whose id carries a time, and those that are far from it:
-- moved, later; implausible, later, but the id's time comes from a clock that was not set; earlier.
with

timed as (
    select
        created_at,
        {{ shared.minted_at(dialect) }} as minted_at
    from {{ tracks }}
),

compared as (
    select
        minted_at,
        minted_at >= {{ parameter("earliest") }} as is_plausible,
        created_at > {{ dialect.hours_after("minted_at", parameter("tolerance_hours")) }} as is_later,
        minted_at > {{ dialect.hours_after("created_at", parameter("tolerance_hours")) }} as is_earlier
    from timed
),

final as (
    select
        count(*) as all_rows,
        count(minted_at) as rows_with_time,
        coalesce(sum(case when is_later and is_plausible then 1 else 0 end), 0) as moved,
        coalesce(sum(case when is_later and not is_plausible then 1 else 0 end), 0) as implausible,
        coalesce(sum(case when is_earlier then 1 else 0 end), 0) as earlier
    from compared
)

select * from final
