create schema mixpanel;

create table mixpanel.raw_events (
    mp_insert_id varchar,
    time timestamptz,
    name varchar,
    distinct_id varchar,
    properties json,
    processed_at timestamptz,
    loaded_at timestamptz,
    export_day timestamptz,
    file varchar
);

create table mixpanel.events_collisions as from mixpanel.raw_events;

create table mixpanel.events_contents (content bigint);

create table mixpanel.events_redelivered (
    mp_insert_id varchar,
    time timestamptz,
    processed_at timestamptz,
    loaded_at timestamptz,
    export_day timestamptz,
    stored_inserted_at timestamptz,
    stored_ingested_timestamp timestamptz
);

create table mixpanel.events_log (
    window_start timestamptz,
    merged_at timestamptz,
    run_id varchar,
    rows_inserted bigint,
    rows_updated bigint,
    rows_unchanged bigint,
    rows_collided bigint,
    rows_before_cutover bigint
);

create table mixpanel.hooks (moment varchar, merges_logged bigint);
