-- Rows of the schematized pipeline as rows with all properties in one text; a property without a value is left out.
with

seconds_of as (
    select
        *,
        {% if is_moment %}
        epoch_us({{ time }}::timestamptz) / 1e6 as seconds
        {% else %}
        {{ time }}::double as seconds
        {% endif %}
    from given
),

checked as (
    select
        *,
        case
            when coalesce({{ event }}::varchar, '') = '' then {{ no_event | sql_text }}
            when seconds is null then {{ no_time | sql_text }}
            when seconds < {{ earliest }} or seconds >= {{ latest }} then {{ out_of_range | sql_text }}
        end as refusal
    from seconds_of
)

select
    {{ event }}::varchar as event,
    case when refusal is null then make_timestamptz(round(seconds * 1000000)::bigint) end as time,
    {{ distinct_id }}::varchar as distinct_id,
    nullif({{ insert_id }}::varchar, '') as insert_id,
    case
        when try_cast({{ processed }} as double) >= {{ earliest }} * 1000
            and try_cast({{ processed }} as double) < {{ latest }} * 1000
            then make_timestamptz(round(try_cast({{ processed }} as double) * 1000)::bigint)
    end as processed_at,
    '{' || concat_ws(
        ','
        {% for key, value in members %},
        {{ key | sql_text }} || {{ value }}
        {% endfor %}
    ) || '}' as properties,
    refusal,
    null::varchar as line
from checked
order by number
