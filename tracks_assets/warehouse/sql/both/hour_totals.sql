-- What a window of export hours holds, counted from a feed's tables: accepted and refused rows by hour.
with

held as (
    select
        window_start,
        1 as accepted,
        0 as rejected
    from {{ table }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
    {% if rejected_table %}
    union all
    select
        window_start,
        0 as accepted,
        1 as rejected
    from {{ rejected_table }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
    {% endif %}
),

final as (
    select
        window_start,
        sum(accepted) as accepted,
        sum(rejected) as rejected
    from held
    group by window_start
)

select * from final
order by window_start
