-- Lines of the raw export as rows: {"event": .., "properties": {"time": .., "distinct_id": .., "$insert_id": .., ..}}.
with

members as (
    select
        number,
        line,
        json_type(line, '$.event') as event_type,
        json_extract_string(line, '$.event') as event,
        json_type(line, '$.properties') as properties_type,
        json_extract(line, '$.properties')::varchar as properties,
        json_type(line, '$.properties.time') as time_type,
        try_cast(json_extract_string(line, '$.properties.time') as double) as seconds,
        json_extract_string(line, '$.properties.distinct_id') as distinct_id,
        json_extract_string(line, '$.properties."$insert_id"') as insert_id,
        try_cast(json_extract_string(line, '$.properties.mp_processing_time_ms') as double) as processed_ms
    from given
),

checked as (
    select
        *,
        case
            when coalesce(properties_type, '') != 'OBJECT' then {{ no_properties | sql_text }}
            when coalesce(event_type, '') != 'VARCHAR' or event = '' then {{ no_event | sql_text }}
            when coalesce(time_type, 'NULL') = 'NULL' then {{ no_time | sql_text }}
            when time_type not in ('BIGINT', 'UBIGINT', 'DOUBLE') then {{ not_a_time | sql_text }}
            when not coalesce(seconds >= {{ earliest }} and seconds < {{ latest }}, false)
                then {{ out_of_range | sql_text }}
        end as refusal
    from members
)

select
    event,
    case when refusal is null then make_timestamptz(round(seconds * 1000000)::bigint) end as time,
    distinct_id,
    nullif(insert_id, '') as insert_id,
    case
        when processed_ms >= {{ earliest }} * 1000 and processed_ms < {{ latest }} * 1000
            then make_timestamptz(round(processed_ms * 1000)::bigint)
    end as processed_at,
    properties,
    refusal,
    case when refusal is not null then line end as line
from checked
order by number
