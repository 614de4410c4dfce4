-- The deliveries of a window of export hours, and those of them whose user has no current person.
with

users as (
    select
        user_id,
        count(*) as deliveries
    from {{ raw_tracks }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
    group by user_id
),

current_persons as (
    {{ dialect.current_persons(person_distinct_ids, team_id) | indent(4) }}
),

final as (
    select
        coalesce(sum(users.deliveries), 0) as deliveries,
        coalesce(sum(case when current_persons.distinct_id is null then users.deliveries else 0 end), 0) as unmapped
    from users
    left join current_persons on users.user_id = current_persons.distinct_id
)

select * from final
