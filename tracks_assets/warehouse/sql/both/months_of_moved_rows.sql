-- The rows that come back, by the month they come back to.
with

placed as (
    select
        {{ dialect.month_of("restored_created_at") }} as original_month,
        {{ dialect.month_of("created_at") }} as stood_in,
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
        min(stood_in) as first_stood_in,
        max(stood_in) as last_stood_in
    from placed
    group by original_month
)

select * from final
order by original_month
