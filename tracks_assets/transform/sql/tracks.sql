-- The accepted deliveries as rows of raw_tracks, all but the stamps of the run.
--
-- Every key and value of a payload is listed once, and the families are picked from the lists: that is exact for keys
-- of any spelling, and costs the same however many flags a company has.
-- A field of a struct looks like a qualified column.
-- noqa: disable=RF03
with

parsed as (
    select
        *,
        json_extract_string(
            delivered.properties,
            [{{ paths | sql_texts }}]
        ) as texts,
        json_keys(delivered.properties) as keys,
        json_extract(delivered.properties, '$.*') as members
    from {{ relation }}
),

final as (
    select
        {% for name, expression in columns %}
        {{ expression }} as {{ name }}{{ "," if not loop.last }}
        {% endfor %}
    from parsed
)

select * from final
