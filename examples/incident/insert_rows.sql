-- Deliveries as rows of a table with the columns of tracks. The loader came five minutes after each hour.
insert into {{ table }} by name
with

deliveries as (
    {{ deliveries | indent(4) }}
),

final as (
    select
        {% for name in stamps %}
        {{ parameter(name) }} as {{ name }},
        {% endfor %}
        event_id,
        make_timestamptz(created_ms * 1000) as created_at,
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
        event_payload::json as event_payload,
        make_timestamptz((inserted_ms // 3600000 * 3600000 + 3900000) * 1000) as bq_ingested_timestamp,
        make_timestamptz(inserted_ms * 1000) as event_inserted_at
    from deliveries
)

select * from final
