-- The deliveries that the contract refuses, those that the contract itself must look at, and those with a value that
-- does not fit its column.
--
-- JSON is parsed only where the text is neither large nor doubtful: parsing takes some twenty times the text's size.
-- A field of a struct looks like a qualified column.
-- noqa: disable=RF03
with

validated as (
    select
        source_file,
        row_number,
        delivered,
        case
            when coalesce(delivered.uuid, '') = '' then {{ reasons.NO_ID | sql_text }}
            when coalesce(delivered.event, '') = '' then {{ reasons.NO_NAME | sql_text }}
            when coalesce(delivered.distinct_id, '') = '' then {{ reasons.NO_USER | sql_text }}
            when delivered.timestamp is null then {{ reasons.NO_TIME | sql_text }}
            when
                delivered.timestamp < {{ earliest | sql_text }}::timestamptz
                or delivered.timestamp > {{ latest | sql_text }}::timestamptz
                then {{ reasons.TIME_OUT_OF_RANGE | sql_text }}
            {% for text in json_fields %}
            when strlen({{ text }}) > {{ longest }} then {{ by_row | sql_text }}
            when {{ values.is_doubtful(text, max_depth) }} then {{ by_row | sql_text }}
            {% endfor %}
            when delivered.properties is null then null
            when not json_valid(delivered.properties) or ltrim(delivered.properties, e' \t\n\r')[1] != '{'
                then {{ reasons.NOT_AN_OBJECT | sql_text }}
        end as reason
    from {{ relation }}
),

counted as (
    select
        source_file,
        row_number,
        reason,
        case when reason is null then {{ unfitting | join(" + ") or "0" }} else 0 end as unfitting
    from validated
),

final as (
    select *
    from counted
    where reason is not null or unfitting > 0
)

select * from final
