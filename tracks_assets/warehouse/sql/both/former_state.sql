-- The rows of some days, as a rollback may and may not change them: those that have the person of the squash or their
-- former one, the sums of the hashes of all rows without their persons, and of all other rows in full.
{% set personless = tracks.columns | rejectattr("name", "equalto", "person_id") | list %}
with

compared as (
    select
        {{ dialect.row_hash(tracks.columns) }} as content,
        {{ dialect.row_hash(personless) }} as content_without_person,
        former_persons.former_event_id is null as is_other,
        stored.person_id = former_persons.squashed_person_id as is_squashed,
        coalesce(stored.person_id = former_persons.former_person_id, false)
        or (stored.person_id is null and former_persons.former_person_id is null) as is_given_back
    from {{ tracks }} as stored
    left join former_persons on {{ shared.is_former_row(dialect, "stored") | indent(8) }}
    where {{ shared.in_days(days, dialect, "stored") }}
),

final as (
    select
        count(*) as all_rows,
        coalesce(sum(case when is_squashed then 1 else 0 end), 0) as squashed,
        coalesce(sum(case when is_given_back and not is_other then 1 else 0 end), 0) as given_back,
        cast(coalesce(sum(content_without_person), 0) as string) as content_without_person,
        cast(coalesce(sum(case when is_other then content end), 0) as string) as content_of_others
    from compared
)

select * from final
