-- What the rewritten table lacks of tracks as it stands now.
with

standing as (
    select
        count(*) as all_rows,
        coalesce(sum({{ dialect.row_hash(tracks.columns) }}), 0) as content
    from {{ tracks }}
),

kept as (
    select
        count(*) as all_rows,
        coalesce(sum({{ dialect.row_hash(tracks.columns) }}), 0) as content
    from {{ rewritten }}
),

final as (
    select
        standing.all_rows - kept.all_rows as all_rows,
        cast(standing.content - kept.content as string) as content
    from standing
    cross join kept
)

select * from final
