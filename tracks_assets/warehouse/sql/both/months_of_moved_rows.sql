-- The rows that come back, by the month they come back to.
with

placed as (
    select
        {{ dialect.month_of("restored_created_at") }} as original_month,
        {{ dialect.month_of("created_at") }} as moved_to,
        evidence
    from {{ table }}
    {% if of_repair %}
    where restore_id = {{ parameter("repair_id") }}
    {% endif %}
),

final as (
    select
        original_month,
        count(*) as all_rows,
        sum(case when evidence = '$time' then 1 else 0 end) as by_payload,
        min(moved_to) as first_moved_to,
        max(moved_to) as last_moved_to
    from placed
    group by original_month
)

select * from final
order by original_month
