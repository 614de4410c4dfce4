-- The rows of one hour that the contract refuses, whole, as rows of rejected_tracks.
with

delivered as (
    select
        substr(filename, {{ root_length }} + 1) as source_file,
        file_row_number as row_number,
        deliveries
    from
        read_parquet(
            [{{ files | sql_texts }}],
            filename = true,
            file_row_number = true,
            union_by_name = true
        ) as deliveries
),

final as (
    select
        {{ window_start }} as window_start,
        rejected_rows.source_file,
        rejected_rows.row_number,
        rejected_rows.reason,
        json_merge_patch(to_json(delivered.deliveries), '{"filename": null, "file_row_number": null}') as raw,
        {{ stamp }} as rejected_at
    from rejected_rows
    inner join delivered
        on rejected_rows.source_file = delivered.source_file and rejected_rows.row_number = delivered.row_number
)

select * from final
