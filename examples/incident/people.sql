-- The people who use the example's app, one a row: what all events of a person have in common.
create or replace temporary table people as
with

devices as (
    select devices.* from (
        values
        (0, 'web', null, 'Desktop', 'Windows', 'web'),
        (1, 'web', null, 'Desktop', 'Mac OS X', 'web'),
        (2, 'ios', 'iPhone15,2', 'Mobile', 'iOS', 'posthog-ios'),
        (3, 'android', 'Pixel 8', 'Mobile', 'Android', 'posthog-android')
    ) as devices (device, client, device_model, device_type, device_os, lib)
),

places as (
    select places.* from (
        values
        (0, 'Zürich', 'Europe', 'Switzerland', 'Europe/Zurich', 'de-CH'),
        (1, 'Łódź', 'Europe', 'Poland', 'Europe/Warsaw', 'pl-PL'),
        (2, 'Austin', 'North America', 'United States', 'America/Chicago', 'en-US'),
        (3, 'Lagos', 'Africa', 'Nigeria', 'Africa/Lagos', 'en-NG')
    ) as places (place, city, continent, country, time_zone, locale)
),

flags as (
    select flags.* from (
        values
        (0, '["home-v2","quiz-ai"]', true, 'test'),
        (1, '["quiz-ai"]', false, 'control'),
        (2, '[]', false, 'off')
    ) as flags (flag, active, home, quiz)
),

numbered as (
    select
        numbers.person,
        md5(format('person {} of {}', numbers.person, {{ plan.seed }})) as digits,
        hash(numbers.person, {{ plan.seed }}) as chance
    from range({{ plan.people }}) as numbers (person)
),

persons as (
    select
        *,
        'user_' || (10000000 + chance % 90000000) as user_id,
        digits[1:8] || '-' || digits[9:12] || '-4' || digits[13:15] || '-8' || digits[16:18] || '-' || digits[19:30]
            as person_id,
        format('91.12.{}.{}', chance // 64 % 256, 1 + chance // 16384 % 254) as ip_address,
        format('6.{}.1', chance // 7 % 4) as app_version
    from numbered
),

final as (
    select
        persons.person,
        persons.user_id,
        persons.person_id,
        flags.active::json as active_feature_flags,
        json_object('home-v2', flags.home, 'quiz-ai', flags.quiz) as feature_flags_values,
        json_object('$lib', devices.lib, '$lib_version', '3.38.0') as lib_values,
        devices.device_model,
        devices.device_type,
        devices.device_os,
        persons.ip_address,
        devices.client,
        places.city as geoip_city_name,
        places.continent as geoip_continent_name,
        places.country as geoip_country_name,
        places.time_zone as geoip_time_zone,
        persons.app_version,
        places.locale,
        -- All but the opening brace: an event's own properties come before these.
        substr(json_object(
            'distinct_id', persons.user_id, '$os', devices.device_os, '$device_type', devices.device_type,
            '$ip', persons.ip_address, 'client', devices.client, '$geoip_city_name', places.city,
            '$app_version', persons.app_version, '$locale', places.locale, '$lib', devices.lib,
            '$lib_version', '3.38.0', '$active_feature_flags', flags.active::json,
            '$feature/home-v2', flags.home, '$feature/quiz-ai', flags.quiz
        )::varchar, 2) as properties
    from persons
    inner join devices on persons.chance % 4 = devices.device
    inner join places on persons.chance // 4 % 4 = places.place
    inner join flags on persons.chance // 16 % 3 = flags.flag
)

select * from final
