declare identity_days array<timestamp>;
declare content_days array<timestamp>;
declare time_days array<timestamp>;
declare settle_days array<timestamp>;
declare settle_hours array<timestamp>;
begin transaction;
merge into `project`.`posthog_ops`.`tracks_lock` as lock
using (select 1 as number, current_timestamp() as taken_at) as taker
    on lock.number = taker.number
when matched then update set taken_at = taker.taken_at
when not matched then insert (number, taken_at) values (taker.number, taker.taken_at);
create or replace temp table merge_plan as
select * from (
    select 1 as plan
);
set identity_days = (
    select ifnull(array_agg(distinct timestamp_trunc(stored_at, day)), [])
    from merge_plan
    cross join unnest(array_concat(
            [merge_plan.stored_earliest_time, merge_plan.stored_time],
            if(
                merge_plan.copy_count > 2,
                generate_timestamp_array(
                    merge_plan.stored_earliest_time, merge_plan.stored_time, interval 12 hour
                ),
                []
            )
        )) as stored_at
    where merge_plan.may_collide and stored_at is not null
);
update merge_plan set
    merge_action = 'settle',
    is_colliding = true
where
    may_collide
    and event_id in (
        select stored.event_id
        from `project`.`posthog`.`tracks` as stored
        inner join merge_plan as suspected on stored.event_id = suspected.event_id
        where
            suspected.may_collide
            and farm_fingerprint(to_json_string(struct(stored.event_name, stored.user_id))) != suspected.identity
            and (
                timestamp_trunc(stored.created_at, day) in unnest(identity_days)
                or stored.created_at is null
            )
    )
;
create or replace temp table merge_rows as
select
    *,
    farm_fingerprint(to_json_string(struct(event_id, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, active_feature_flags is null, feature_flags_values is null, lib_values is null, event_payload is null))) as content
from (
    with
    planned as (
        select
            event_id,
            delivery_count,
            merge_action,
            planned_time
        from merge_plan
        where merge_action in ('insert', 'update')
    ),
    person_id_ranked as (
        select
            event_id,
            user_id as person_id_of,
            squashed_person_id as person_id_override,
            row_number() over (partition by event_id order by squashed_at desc) as from_newest
        from `project`.`posthog_ops`.`archived_person_ids`
        where event_id in (select planned.event_id from planned)
    ),
    person_id_overrides as (
        select * from person_id_ranked
        where from_newest = 1
    ),
    overridden as (
        select
            planned.*,
            person_id_overrides.person_id_of,
            person_id_overrides.person_id_override
        from planned
        left join person_id_overrides on planned.event_id = person_id_overrides.event_id
    ),
    delivered as (
        select * from `project`.`posthog`.`raw_tracks`
        where
            created_at >= timestamp '2026-03-04T00:00:00+00:00'
            and window_start >= timestamp '2026-03-12T10:00:00+00:00' and window_start < timestamp '2026-03-12T11:00:00+00:00'
    ),
    delivered_once as (
        select
            overridden.merge_action,
            overridden.planned_time,
            overridden.person_id_of,
            overridden.person_id_override,
            delivered.*,
            1 as from_last
        from delivered
        inner join overridden on delivered.event_id = overridden.event_id
        where overridden.delivery_count = 1
    ),
    delivered_often as (
        select
            overridden.merge_action,
            overridden.planned_time,
            overridden.person_id_of,
            overridden.person_id_override,
            delivered.*
        from delivered
        inner join overridden on delivered.event_id = overridden.event_id
        where
            overridden.delivery_count > 1
    ),
    numbered as (
        select
            *,
            row_number() over (partition by event_id order by coalesce(event_inserted_at, timestamp '0001-01-01T00:00:00+00:00') desc,
        bq_ingested_timestamp desc nulls last,
        window_start desc nulls last,
        created_at asc nulls last,
        event_name asc nulls last,
        user_id asc nulls last,
        person_id asc nulls last,
        session_id asc nulls last,
        if(active_feature_flags is null, null, to_json_string(active_feature_flags)) asc nulls last,
        if(feature_flags_values is null, null, to_json_string(feature_flags_values)) asc nulls last,
        if(lib_values is null, null, to_json_string(lib_values)) asc nulls last,
        device_model asc nulls last,
        device_type asc nulls last,
        device_os asc nulls last,
        ip_address asc nulls last,
        client asc nulls last,
        geoip_city_name asc nulls last,
        geoip_continent_name asc nulls last,
        geoip_country_name asc nulls last,
        geoip_time_zone asc nulls last,
        app_version asc nulls last,
        locale asc nulls last,
        if(event_payload is null, null, to_json_string(event_payload)) asc nulls last) as from_last
        from delivered_often
    ),
    contents as (
        select * from delivered_once
        union all
        select * from numbered
        where from_last = 1
    )
    select
        merge_action,
        event_id,
        planned_time as created_at,
        event_name,
        user_id,
        case
            when user_id = person_id_of then person_id_override
            else person_id
        end as person_id,
        session_id,
        active_feature_flags,
        feature_flags_values,
        lib_values,
        device_model,
        device_type,
        device_os,
        ip_address,
        client,
        geoip_city_name,
        geoip_continent_name,
        geoip_country_name,
        geoip_time_zone,
        app_version,
        locale,
        event_payload,
        bq_ingested_timestamp,
        event_inserted_at
    from contents
);
insert into `project`.`posthog`.`tracks` (event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at)
select event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at
from merge_rows
where merge_action = 'insert';
insert into `project`.`posthog_ops`.`content_fingerprints` (content)
select content from merge_rows;
insert into `project`.`posthog_ops`.`unchanged_redeliveries` (
    event_id,
    event_inserted_at,
    bq_ingested_timestamp,
    window_start,
    stored_inserted_at,
    stored_ingested_timestamp
)
select
    event_id,
    nullif(inserted_at, timestamp '0001-01-01T00:00:00+00:00') as inserted_at,
    ingested_at,
    window_start,
    stored_inserted_at,
    stored_ingested_at
from merge_plan
where is_repeat;
set content_days = (
    select ifnull(array_agg(distinct timestamp_trunc(stored_at, day)), [])
    from merge_plan
    cross join unnest(array_concat(
            [merge_plan.stored_earliest_time, merge_plan.stored_time],
            if(
                merge_plan.copy_count > 2,
                generate_timestamp_array(
                    merge_plan.stored_earliest_time, merge_plan.stored_time, interval 12 hour
                ),
                []
            )
        )) as stored_at
    where merge_plan.merge_action = 'update' and stored_at is not null
);
set time_days = (
    select ifnull(array_agg(distinct timestamp_trunc(stored_at, day)), [])
    from merge_plan
    cross join unnest(array_concat(
            [merge_plan.stored_earliest_time, merge_plan.stored_time],
            if(
                merge_plan.copy_count > 2,
                generate_timestamp_array(
                    merge_plan.stored_earliest_time, merge_plan.stored_time, interval 12 hour
                ),
                []
            )
        )) as stored_at
    where merge_plan.merge_action = 'restore_time' and stored_at is not null
);
update `project`.`posthog`.`tracks` as stored set
    event_name = delivery.event_name,
    user_id = delivery.user_id,
    person_id = delivery.person_id,
    session_id = delivery.session_id,
    active_feature_flags = delivery.active_feature_flags,
    feature_flags_values = delivery.feature_flags_values,
    lib_values = delivery.lib_values,
    device_model = delivery.device_model,
    device_type = delivery.device_type,
    device_os = delivery.device_os,
    ip_address = delivery.ip_address,
    client = delivery.client,
    geoip_city_name = delivery.geoip_city_name,
    geoip_continent_name = delivery.geoip_continent_name,
    geoip_country_name = delivery.geoip_country_name,
    geoip_time_zone = delivery.geoip_time_zone,
    app_version = delivery.app_version,
    locale = delivery.locale,
    event_payload = delivery.event_payload,
    bq_ingested_timestamp = delivery.bq_ingested_timestamp,
    event_inserted_at = delivery.event_inserted_at,
    created_at = case when stored.created_at > delivery.created_at then delivery.created_at else stored.created_at end
from merge_rows as delivery
where
    stored.event_id = delivery.event_id
    and delivery.merge_action = 'update'
    and (timestamp_trunc(stored.created_at, day) in unnest(content_days) or stored.created_at is null);
update `project`.`posthog`.`tracks` as stored set
    created_at = case when stored.created_at > merge_plan.planned_time then merge_plan.planned_time else stored.created_at end
from merge_plan
where
    stored.event_id = merge_plan.event_id
    and merge_plan.merge_action = 'restore_time'
    and timestamp_trunc(stored.created_at, day) in unnest(time_days);
if exists (select 1 from merge_plan where merge_action = 'settle') then
set settle_days = (
    select ifnull(array_agg(distinct timestamp_trunc(stored_at, day)), [])
    from merge_plan
    cross join unnest(array_concat(
            [merge_plan.stored_earliest_time, merge_plan.stored_time],
            if(
                merge_plan.copy_count > 2,
                generate_timestamp_array(
                    merge_plan.stored_earliest_time, merge_plan.stored_time, interval 12 hour
                ),
                []
            )
        )) as stored_at
    where merge_plan.merge_action = 'settle' and stored_at is not null
);
set settle_hours = (
    select ifnull(array_agg(distinct window_start), [])
    from `project`.`posthog`.`raw_tracks`
    where event_id in (
        select merge_plan.event_id from merge_plan where merge_plan.merge_action = 'settle'
    )
);
create or replace temp table colliding_keys as
select event_id from merge_plan
where merge_action = 'settle';
create or replace temp table stored_rows as
select
    *,
    farm_fingerprint(to_json_string(struct(stored.event_name, stored.user_id))) as identity,
    farm_fingerprint(to_json_string(struct(event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, active_feature_flags is null, feature_flags_values is null, lib_values is null, event_payload is null))) as whole_row,
    farm_fingerprint(to_json_string(struct(event_id, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, active_feature_flags is null, feature_flags_values is null, lib_values is null, event_payload is null))) as content,
    farm_fingerprint(to_json_string(struct(event_id, event_name, user_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, event_inserted_at, active_feature_flags is null, feature_flags_values is null, lib_values is null, event_payload is null))) as delivered,
    count(*) over (partition by event_id) as copy_count
from `project`.`posthog`.`tracks` as stored
where
    event_id in (select colliding_keys.event_id from colliding_keys)
    and (timestamp_trunc(created_at, day) in unnest(settle_days) or created_at is null);
create or replace temp table known_deliveries as
with
sightings as (
    select
        event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, window_start, source_file,
        true as is_raw,
        false as is_stored
    from `project`.`posthog`.`raw_tracks`
    where
        created_at >= timestamp '2026-03-04T00:00:00+00:00'
        and event_id in (select colliding_keys.event_id from colliding_keys)
        and window_start in unnest(settle_hours)
    union all
    select
        event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, window_start, source_file,
        false as is_raw,
        false as is_stored
    from `project`.`posthog_ops`.`tracks_collisions`
    where event_id in (select colliding_keys.event_id from colliding_keys)
    union all
    select
        event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at,
        null as window_start,
        null as source_file,
        false as is_raw,
        true as is_stored
    from stored_rows
    where copy_count = 1
),
identified as (
    select
        *,
        farm_fingerprint(to_json_string(struct(sightings.event_name, sightings.user_id))) as identity,
        farm_fingerprint(to_json_string(struct(event_id, event_name, user_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, event_inserted_at, active_feature_flags is null, feature_flags_values is null, lib_values is null, event_payload is null))) as delivered
    from sightings
),
raw_times as (
    select distinct
        event_id, created_at,
        identity
    from identified
    where is_raw
),
found as (
    select
        identified.*,
        identified.delivered in (select known.delivered from identified as known where known.is_raw) as is_in_raw,
        raw_times.event_id is not null as has_raw_time
    from identified
    left join raw_times
        on
            identified.event_id = raw_times.event_id
            and identified.identity = raw_times.identity
            and identified.created_at = raw_times.created_at
),
-- What the source still holds is taken from there, with its present load, and not from what was made of it. A stored
-- row has the time of its first delivery and the insert time of its last. If the source holds the last and not the
-- first, the first is older than all that is known: it came with an older pipeline, or its hour was exported again
-- without it.
final as (
    select
        *,
        is_stored and is_in_raw as is_oldest
    from found
    where is_raw or not is_in_raw or (is_stored and not has_raw_time)
)
select * from final;
create or replace temp table settled_events as
with
numbered as (
    select
        event_id,
        identity,
        row_number() over (
            partition by event_id
            order by case when is_oldest then 0 else 1 end, event_inserted_at asc nulls first,
                created_at asc nulls last,
                event_name asc nulls last,
                user_id asc nulls last
        ) as from_first
    from known_deliveries
    where event_id not in (
        select stored_rows.event_id from stored_rows where stored_rows.copy_count > 1
    )
),
final as (
    select
        event_id,
        identity
    from numbered
    where from_first = 1
    union distinct
    select
        event_id,
        identity
    from stored_rows
    where copy_count > 1
)
select * from final;
create or replace temp table settled_rows as
with
person_id_ranked as (
    select
        event_id,
        user_id as person_id_of,
        squashed_person_id as person_id_override,
        row_number() over (partition by event_id order by squashed_at desc) as from_newest
    from `project`.`posthog_ops`.`archived_person_ids`
    where event_id in (select colliding_keys.event_id from colliding_keys)
),
person_id_overrides as (
    select * from person_id_ranked
    where from_newest = 1
),
numbered as (
    select
        known_deliveries.*,
        coalesce(known_deliveries.event_inserted_at, timestamp '0001-01-01T00:00:00+00:00') as inserted_at,
        coalesce(known_deliveries.bq_ingested_timestamp, timestamp '0001-01-01T00:00:00+00:00') as ingested_at,
        row_number() over (
            partition by known_deliveries.event_id, known_deliveries.identity
            order by coalesce(known_deliveries.event_inserted_at, timestamp '0001-01-01T00:00:00+00:00') desc,
                known_deliveries.bq_ingested_timestamp desc nulls last,
                known_deliveries.window_start desc nulls last,
                known_deliveries.created_at asc nulls last,
                known_deliveries.event_name asc nulls last,
                known_deliveries.user_id asc nulls last,
                known_deliveries.person_id asc nulls last,
                known_deliveries.session_id asc nulls last,
                if(known_deliveries.active_feature_flags is null, null, to_json_string(known_deliveries.active_feature_flags)) asc nulls last,
                if(known_deliveries.feature_flags_values is null, null, to_json_string(known_deliveries.feature_flags_values)) asc nulls last,
                if(known_deliveries.lib_values is null, null, to_json_string(known_deliveries.lib_values)) asc nulls last,
                known_deliveries.device_model asc nulls last,
                known_deliveries.device_type asc nulls last,
                known_deliveries.device_os asc nulls last,
                known_deliveries.ip_address asc nulls last,
                known_deliveries.client asc nulls last,
                known_deliveries.geoip_city_name asc nulls last,
                known_deliveries.geoip_continent_name asc nulls last,
                known_deliveries.geoip_country_name asc nulls last,
                known_deliveries.geoip_time_zone asc nulls last,
                known_deliveries.app_version asc nulls last,
                known_deliveries.locale asc nulls last,
                if(known_deliveries.event_payload is null, null, to_json_string(known_deliveries.event_payload)) asc nulls last
        ) as from_last,
        row_number() over (
            partition by known_deliveries.event_id, known_deliveries.identity
            order by case when is_oldest then 0 else 1 end, known_deliveries.event_inserted_at asc nulls first,
                known_deliveries.created_at asc nulls last,
                known_deliveries.event_name asc nulls last,
                known_deliveries.user_id asc nulls last
        ) as from_first
    from known_deliveries
    inner join settled_events
        on
            known_deliveries.event_id = settled_events.event_id
            and known_deliveries.identity = settled_events.identity
),
last_deliveries as (
    select * from numbered
    where from_last = 1
),
first_deliveries as (
    select
        event_id,
        identity,
        inserted_at,
        created_at as delivered_time
    from numbered
    where from_first = 1
),
stored_numbered as (
    select
        event_id,
        identity,
        copy_count,
        coalesce(event_inserted_at, timestamp '0001-01-01T00:00:00+00:00') as inserted_at,
        coalesce(bq_ingested_timestamp, timestamp '0001-01-01T00:00:00+00:00') as ingested_at,
        max(created_at) over (partition by event_id, identity) as latest_time,
        row_number() over (
            partition by event_id, identity
            order by
                coalesce(event_inserted_at, timestamp '0001-01-01T00:00:00+00:00') desc,
                coalesce(bq_ingested_timestamp, timestamp '0001-01-01T00:00:00+00:00') desc
        ) as from_last
    from stored_rows
),
newest_stored as (
    select * from stored_numbered
    where from_last = 1
),
-- Each event is compared with its own row, or rows, by the rules of the merge.
compared as (
    select
        last_deliveries.event_id,
        last_deliveries.identity,
        case
            when
                newest_stored.identity is null
                or (
                    (
                        first_deliveries.inserted_at < newest_stored.inserted_at
                        or newest_stored.inserted_at = timestamp '0001-01-01T00:00:00+00:00'
                    )
                    and first_deliveries.delivered_time < newest_stored.latest_time
                )
                then first_deliveries.delivered_time
            else newest_stored.latest_time
        end as planned_time,
        newest_stored.identity is null
        or newest_stored.copy_count = 1
        or last_deliveries.inserted_at > newest_stored.inserted_at
        or (
            last_deliveries.inserted_at = newest_stored.inserted_at
            and last_deliveries.ingested_at > newest_stored.ingested_at
        ) as is_newer
    from last_deliveries
    inner join first_deliveries
        on
            last_deliveries.event_id = first_deliveries.event_id
            and last_deliveries.identity = first_deliveries.identity
    left join newest_stored
        on
            last_deliveries.event_id = newest_stored.event_id
            and last_deliveries.identity = newest_stored.identity
),
rows_to_be as (
    select
        last_deliveries.event_id,
        last_deliveries.event_name,
        last_deliveries.user_id,
        case
            when last_deliveries.user_id = person_id_of then person_id_override
            else last_deliveries.person_id
        end as person_id,
        last_deliveries.session_id,
        last_deliveries.active_feature_flags,
        last_deliveries.feature_flags_values,
        last_deliveries.lib_values,
        last_deliveries.device_model,
        last_deliveries.device_type,
        last_deliveries.device_os,
        last_deliveries.ip_address,
        last_deliveries.client,
        last_deliveries.geoip_city_name,
        last_deliveries.geoip_continent_name,
        last_deliveries.geoip_country_name,
        last_deliveries.geoip_time_zone,
        last_deliveries.app_version,
        last_deliveries.locale,
        last_deliveries.event_payload,
        last_deliveries.bq_ingested_timestamp,
        last_deliveries.event_inserted_at,
        case
            when stored_rows.identity is null or stored_rows.created_at > compared.planned_time
                then compared.planned_time
            else stored_rows.created_at
        end as created_at,
        stored_rows.whole_row,
        stored_rows.copy_count
    from last_deliveries
    inner join compared
        on last_deliveries.event_id = compared.event_id and last_deliveries.identity = compared.identity
    left join stored_rows
        on compared.event_id = stored_rows.event_id and compared.identity = stored_rows.identity
    left join person_id_overrides on compared.event_id = person_id_overrides.event_id
    where compared.is_newer
    union all
    select
        stored_rows.event_id,
        stored_rows.event_name,
        stored_rows.user_id,
        stored_rows.person_id,
        stored_rows.session_id,
        stored_rows.active_feature_flags,
        stored_rows.feature_flags_values,
        stored_rows.lib_values,
        stored_rows.device_model,
        stored_rows.device_type,
        stored_rows.device_os,
        stored_rows.ip_address,
        stored_rows.client,
        stored_rows.geoip_city_name,
        stored_rows.geoip_continent_name,
        stored_rows.geoip_country_name,
        stored_rows.geoip_time_zone,
        stored_rows.app_version,
        stored_rows.locale,
        stored_rows.event_payload,
        stored_rows.bq_ingested_timestamp,
        stored_rows.event_inserted_at,
        case
            when stored_rows.identity is null or stored_rows.created_at > compared.planned_time
                then compared.planned_time
            else stored_rows.created_at
        end as created_at,
        stored_rows.whole_row,
        stored_rows.copy_count
    from stored_rows
    left join compared
        on stored_rows.event_id = compared.event_id and stored_rows.identity = compared.identity
    where stored_rows.copy_count > 1 and not coalesce(compared.is_newer, false)
),
final as (
    select
        *,
        coalesce(whole_row = farm_fingerprint(to_json_string(struct(event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, active_feature_flags is null, feature_flags_values is null, lib_values is null, event_payload is null))), false) as is_unchanged
    from rows_to_be
)
select * from final;
create or replace temp table changed_keys as
select distinct event_id from settled_rows
where not is_unchanged;
create or replace temp table displaced_rows as
select
    stored_rows.event_id,
    stored_rows.content
from stored_rows
left join settled_events
    on stored_rows.event_id = settled_events.event_id and stored_rows.identity = settled_events.identity
where settled_events.identity is null;
if exists (select 1 from displaced_rows) then
delete from `project`.`posthog_ops`.`content_fingerprints`
where content in (select displaced_rows.content from displaced_rows);
delete from `project`.`posthog_ops`.`unchanged_redeliveries`
where event_id in (select displaced_rows.event_id from displaced_rows);
end if;
delete from `project`.`posthog`.`tracks`
where
    event_id in (select changed_keys.event_id from changed_keys)
    and (timestamp_trunc(created_at, day) in unnest(settle_days) or created_at is null)
;
insert into `project`.`posthog`.`tracks` (event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at)
select event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at
from settled_rows
where event_id in (select changed_keys.event_id from changed_keys);
insert into `project`.`posthog_ops`.`content_fingerprints` (content)
select farm_fingerprint(to_json_string(struct(event_id, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, active_feature_flags is null, feature_flags_values is null, lib_values is null, event_payload is null))) as content
from settled_rows
where
    coalesce(copy_count, 1) = 1
    and event_id in (select changed_keys.event_id from changed_keys);
delete from `project`.`posthog_ops`.`tracks_collisions`
where event_id in (select colliding_keys.event_id from colliding_keys);
insert into `project`.`posthog_ops`.`tracks_collisions` (event_id, created_at, event_name, user_id, person_id, session_id, active_feature_flags, feature_flags_values, lib_values, device_model, device_type, device_os, ip_address, client, geoip_city_name, geoip_continent_name, geoip_country_name, geoip_time_zone, app_version, locale, event_payload, bq_ingested_timestamp, event_inserted_at, window_start, source_file)
select
    known_deliveries.event_id,
    known_deliveries.created_at,
    known_deliveries.event_name,
    known_deliveries.user_id,
    known_deliveries.person_id,
    known_deliveries.session_id,
    known_deliveries.active_feature_flags,
    known_deliveries.feature_flags_values,
    known_deliveries.lib_values,
    known_deliveries.device_model,
    known_deliveries.device_type,
    known_deliveries.device_os,
    known_deliveries.ip_address,
    known_deliveries.client,
    known_deliveries.geoip_city_name,
    known_deliveries.geoip_continent_name,
    known_deliveries.geoip_country_name,
    known_deliveries.geoip_time_zone,
    known_deliveries.app_version,
    known_deliveries.locale,
    known_deliveries.event_payload,
    known_deliveries.bq_ingested_timestamp,
    known_deliveries.event_inserted_at,
    known_deliveries.window_start,
    known_deliveries.source_file
from known_deliveries
left join settled_events
    on
        known_deliveries.event_id = settled_events.event_id
        and known_deliveries.identity = settled_events.identity
where settled_events.identity is null;
update merge_plan set
    merge_action = case
        when copy_count = 0 then 'insert'
        when event_id in (select changed_keys.event_id from changed_keys) then 'update'
        else 'unchanged'
    end
where merge_action = 'settle';
;
end if;
insert into `project`.`posthog_ops`.`merge_log` (
    window_start,
    merged_at,
    run_id,
    rows_inserted,
    rows_updated,
    rows_unchanged,
    rows_collided,
    rows_before_cutover
)
select
    window_start,
    current_timestamp as merged_at,
    'invocation' as run_id,
    cast(sum(case when merge_action in ('insert') then events else 0 end) as int64) as rows_inserted,
    cast(sum(case when merge_action in ('update', 'restore_time') then events else 0 end) as int64) as rows_updated,
    cast(sum(case when merge_action in ('unchanged') then events else 0 end) as int64) as rows_unchanged,
    cast(sum(case when merge_action in ('collide') then events else 0 end) as int64) as rows_collided,
    cast(sum(case when merge_action in ('before_cutover') then events else 0 end) as int64) as rows_before_cutover
from (
    select
        window_start,
        merge_action,
        count(*) as events
    from merge_plan
    group by window_start, merge_action
    union all
    select
        window_start as window_start,
        'collide' as merge_action,
        count(*) as events
    from `project`.`posthog_ops`.`tracks_collisions`
    where
        event_id in (select plan.event_id from merge_plan as plan where plan.is_colliding)
        and window_start >= timestamp '2026-03-12T10:00:00+00:00' and window_start < timestamp '2026-03-12T11:00:00+00:00'
    group by window_start
    union all
    select
        window_start,
        'none' as merge_action,
        0 as events
    from unnest(generate_timestamp_array(timestamp '2026-03-12T10:00:00+00:00', timestamp_add(timestamp '2026-03-12T11:00:00+00:00', interval -1 hour), interval 1 hour)) as window_start
    union all
    select
        window_start as window_start,
        'before_cutover' as merge_action,
        count(*) as events
    from `project`.`posthog`.`raw_tracks`
    where
        not created_at >= timestamp '2026-03-04T00:00:00+00:00'
        and window_start >= timestamp '2026-03-12T10:00:00+00:00' and window_start < timestamp '2026-03-12T11:00:00+00:00'
    group by window_start
) as counts
group by window_start;
commit transaction;
