-- The rows of some days, as a batch of a squash may and may not change them: the sums of the hashes of all rows without
-- their persons, and of those rows in full that the squash is not about.
{% set personless = tracks.columns | rejectattr("name", "equalto", "person_id") | list %}
with

compared as (
    select
        {{ dialect.row_hash(tracks.columns) }} as content,
        {{ dialect.row_hash(personless) }} as content_without_person,
        squash_mapping.mapped_user_id is null or stored.event_id is null as is_other,
        coalesce(stored.person_id != squash_mapping.mapped_person_id, true) as differs
    from {{ tracks }} as stored
    left join squash_mapping on stored.user_id = squash_mapping.mapped_user_id
    where {{ shared.in_days(days, dialect, "stored") }}
),

final as (
    select
        count(*) as all_rows,
        coalesce(sum(case when differs and not is_other then 1 else 0 end), 0) as differing,
        cast(coalesce(sum(content_without_person), 0) as string) as content_without_person,
        cast(coalesce(sum(case when is_other then content end), 0) as string) as content_of_others
    from compared
)

select * from final
