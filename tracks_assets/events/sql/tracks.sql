-- The accepted rows of one hour as rows of raw_tracks, all but the stamps of the run.
--
-- Every key and value of a payload is listed once, and the families are picked from the lists: that is exact for keys
-- of any spelling, and costs the same however many flags a company has.
with

deliveries as (
    {{ deliveries | indent(4) }}
),

accepted as (
    select deliveries.*
    from deliveries
    anti join {{ rejected }} as rejected
        on deliveries.source_file = rejected.source_file and deliveries.row_number = rejected.row_number
),

parsed as (
    select
        *,
        json_extract_string(
            properties,
            [{{ paths | sql_texts }}]
        ) as texts,
        json_keys(properties) as keys,
        json_extract(properties, '$.*') as members
    from accepted
),

final as (
    select
        {% for name, expression in columns %}
        {{ expression }} as {{ name }}{{ "," if not loop.last }}
        {% endfor %}
    from parsed
)

select * from final
