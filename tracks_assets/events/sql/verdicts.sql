-- The rows of one hour that the contract refuses, and those whose JSON wants a second look.
--
-- DuckDB's JSON reader is laxer than RFC 8259: it takes a trailing comma, NaN and Infinity, and any depth of nesting.
-- Text that may hold one of these is handed back whole (doubtful), for the contract itself to judge. Brackets are
-- counted in bytes (strlen): each is one byte, and counting characters takes twice the time.
with

deliveries as (
    {{ deliveries | indent(4) }}
),

judged as (
    select
        source_file,
        row_number,
        case
            when coalesce(uuid, '') = '' then {{ reasons.NO_ID | sql_text }}
            when coalesce(event, '') = '' then {{ reasons.NO_NAME | sql_text }}
            when coalesce(distinct_id, '') = '' then {{ reasons.NO_USER | sql_text }}
            when timestamp is null then {{ reasons.NO_TIME | sql_text }}
            when timestamp < {{ earliest | sql_text }}::timestamptz or timestamp > {{ latest | sql_text }}::timestamptz
                then {{ reasons.TIME_OUT_OF_RANGE | sql_text }}
            when properties is null then null
            when not json_valid(properties) or ltrim(properties, e' \t\n\r')[1] != '{'
                then {{ reasons.NOT_AN_OBJECT | sql_text }}
        end as reason,
        case
            when
                regexp_matches(properties, ',\s*(?:[}\]]|[+-]?(?:[iI][nN][fF]|[nN][aA][nN]))')
                or regexp_matches(properties, ':\s*[+-]?(?:[iI][nN][fF]|[nN][aA][nN])')
                or regexp_matches(properties, '\[\s*[+-]?(?:[iI][nN][fF]|[nN][aA][nN])')
                or strlen(properties) - strlen(replace(replace(properties, '[', ''), '{', '')) > {{ max_depth }}
                then properties
        end as doubtful
    from deliveries
),

final as (
    select *
    from judged
    where reason is not null or doubtful is not null
)

select * from final
