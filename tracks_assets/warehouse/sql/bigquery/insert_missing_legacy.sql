-- One row for each id of the window that tracks does not hold, whatever its time there: of the event that was delivered
-- first, the row ingested last. An INSERT is billed for the ids of tracks and the rows of the window, and nothing else.
insert into {{ tracks }} ({{ shared.names(tracks.columns) }})
with

in_window as (
    {{ shared.legacy_window(shared.names(tracks.columns), backfill_tracks, dialect, parameter) | indent(4) }}
),

missing as (
    select in_window.*
    from in_window
    left join {{ tracks }} as tracks on in_window.event_id = tracks.event_id
    where tracks.event_id is null
),

final as (
    select {{ shared.names(tracks.columns) }}
    from missing
    where identity = first_identity
    qualify row_number() over (
        partition by event_id order by {{ shared.kept_first(tracks.columns, dialect) | indent(8) }}
    ) = 1
)

select * from final
