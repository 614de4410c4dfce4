-- The rows of one hour that the contract refuses, in full, as rows of rejected_tracks; one relation for each file.
with

refused as (
    {% for relation in relations %}
    select
        source_file,
        row_number,
        reason,
        to_json(delivered) as raw
    from {{ relation }}
    {{ "union all" if not loop.last }}
    {% else %}
    select
        null::varchar as source_file,
        null::bigint as row_number,
        null::varchar as reason,
        null::json as raw
    where false
    {% endfor %}
),

final as (
    select
        {{ window_start }} as window_start,
        source_file,
        row_number,
        reason,
        raw,
        {{ stamp }} as rejected_at
    from refused
)

select * from final
