declare content_days array<timestamp>;
declare time_days array<timestamp>;
begin transaction;
merge into `project`.`posthog`.`tracks_turn` as turn
using (select 1 as number, current_timestamp() as taken_at) as taker
    on turn.number = taker.number
when matched then update set taken_at = taker.taken_at
when not matched then insert (number, taken_at) values (taker.number, taker.taken_at);
create or replace temp table merge_plan as
select * from (select 1 as plan);
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
            created_at as planned_created_at
        from merge_plan
        where merge_action in ('insert', 'update')
    ),
    delivered as (
        select * from `project`.`posthog`.`raw_tracks`
        where
            created_at >= timestamp '2026-03-04T00:00:00+00:00'
            and window_start >= timestamp '2026-03-12T10:00:00+00:00' and window_start < timestamp '2026-03-12T11:00:00+00:00'
    ),
    delivered_once as (
        select
            planned.merge_action,
            planned.planned_created_at,
            delivered.*
        from delivered
        inner join planned on delivered.event_id = planned.event_id
        where planned.delivery_count = 1
    ),
    delivered_often as (
        select
            planned.merge_action,
            planned.planned_created_at,
            delivered.*
        from delivered
        inner join planned on delivered.event_id = planned.event_id
        where planned.delivery_count > 1
    ),
    numbered as (
        select
            *,
            row_number() over (partition by event_id order by coalesce(event_inserted_at, timestamp '0001-01-01T00:00:00+00:00') desc,
        bq_ingested_timestamp desc,
        window_start desc,
        source_file desc,
        created_at asc,
        event_name asc,
        user_id asc,
        to_json_string(event_payload) asc) as from_last
        from delivered_often
    ),
    contents as (
        select * from delivered_once
        union all
        select * except (from_last) from numbered
        where from_last = 1
    )
    select
        merge_action,
        event_id,
        planned_created_at as created_at,
        event_name,
        user_id,
        person_id,
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
insert into `project`.`posthog`.`tracks_contents` (content)
select content from merge_rows;
insert into `project`.`posthog`.`tracks_redelivered` (
    event_id,
    event_inserted_at,
    bq_ingested_timestamp,
    window_start,
    standing_inserted_at,
    standing_ingested_timestamp
)
select
    event_id,
    nullif(inserted_at, timestamp '0001-01-01T00:00:00+00:00') as event_inserted_at,
    ingested_at as bq_ingested_timestamp,
    window_start,
    standing_inserted_at,
    standing_ingested_timestamp
from merge_plan
where is_repeat;
set content_days = (
    select ifnull(array_agg(distinct timestamp_trunc(standing_at, day)), [])
    from merge_plan
    cross join unnest(array_concat(
            [merge_plan.standing_earliest_at, merge_plan.standing_created_at],
            if(
                merge_plan.copy_count > 2,
                generate_timestamp_array(
                    merge_plan.standing_earliest_at, merge_plan.standing_created_at, interval 12 hour
                ),
                []
            )
        )) as standing_at
    where merge_plan.merge_action = 'update' and standing_at is not null
);
set time_days = (
    select ifnull(array_agg(distinct timestamp_trunc(standing_at, day)), [])
    from merge_plan
    cross join unnest(array_concat(
            [merge_plan.standing_earliest_at, merge_plan.standing_created_at],
            if(
                merge_plan.copy_count > 2,
                generate_timestamp_array(
                    merge_plan.standing_earliest_at, merge_plan.standing_created_at, interval 12 hour
                ),
                []
            )
        )) as standing_at
    where merge_plan.merge_action = 'restore_time' and standing_at is not null
);
update `project`.`posthog`.`tracks` as standing set
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
    created_at = case when standing.created_at > delivery.created_at then delivery.created_at else standing.created_at end
from merge_rows as delivery
where
    standing.event_id = delivery.event_id
    and delivery.merge_action = 'update'
    and (timestamp_trunc(standing.created_at, day) in unnest(content_days) or standing.created_at is null);
update `project`.`posthog`.`tracks` as standing set
    created_at = case when standing.created_at > merge_plan.created_at then merge_plan.created_at else standing.created_at end
from merge_plan
where
    standing.event_id = merge_plan.event_id
    and merge_plan.merge_action = 'restore_time'
    and timestamp_trunc(standing.created_at, day) in unnest(time_days);
commit transaction;
select
    window_start,
    merge_action,
    count(*) as events
from merge_plan
group by window_start, merge_action
