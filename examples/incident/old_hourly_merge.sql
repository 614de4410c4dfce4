-- THE OLD WAY, kept to show what it did: dbt's stock incremental merge on event_id. Do not run it on real data.
--
-- Whatever was delivered last replaced every column of every row, created_at too. So an event that came again left its
-- day for today's, and where it was duplicated, both rows did, and were equal from then on: no day lost rows that
-- anybody counted, and nothing distinguished the rows. The merge of posthog/tracks keeps the time.
merge into {{ tracks }} as tracks
using (
    select {{ shared.names(tracks.columns) }}
    from {{ raw_tracks }}
    where
        window_start >= {{ parameter("window_start") }}
        and window_start < {{ parameter("window_end") }}
    qualify row_number() over (partition by event_id order by event_inserted_at desc, bq_ingested_timestamp desc) = 1
) as delivery
on tracks.event_id = delivery.event_id
when matched then update set
    {% for column in tracks.columns %}
    {{ column.name }} = delivery.{{ column.name }}{{ "," if not loop.last }}
    {% endfor %}
when not matched then insert
    ({{ shared.names(tracks.columns) }})
values (
    {% for column in tracks.columns %}
    delivery.{{ column.name }}{{ "," if not loop.last }}
    {% endfor %}
)
