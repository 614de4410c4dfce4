-- THE OLD WAY, kept to show what it did: tracks filled from the frozen table, day by day. Do not run it on real data.
--
-- It looked for an event only within one day of the row at hand, so that few partitions were read. An id that was
-- sent again on a later day, with a new time, was not found and inserted once more; and two rows in one batch were
-- both not found and both inserted. That made most of the duplicated events. posthog/tracks_legacy matches on the
-- id alone, over the whole table.
merge into {{ tracks }} as tracks
using (
    select {{ shared.names(tracks.columns) }}
    from {{ backfill_tracks }}
    where
        created_at >= {{ parameter("window_start") }}
        and created_at < {{ parameter("window_end") }}
) as legacy
on
    tracks.event_id = legacy.event_id
    and tracks.created_at between legacy.created_at - interval 1 day and legacy.created_at + interval 1 day
    and tracks.created_at >= {{ parameter("window_start") }} - interval 1 day
    and tracks.created_at < {{ parameter("window_end") }} + interval 1 day
when not matched then insert
    ({{ shared.names(tracks.columns) }})
values (
    {% for column in tracks.columns %}
    legacy.{{ column.name }}{{ "," if not loop.last }}
    {% endfor %}
)
