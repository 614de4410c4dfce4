{#-
    What makes an event, beside its time. An event without an insert id is a duplicate of none: it gets an id of its own
    from its file and row number, which is the same when the file is loaded again. The id has its name and distinct_id as
    well: if the day is exported again in another order, no event takes the id of another one, and none is lost.
-#}
{% macro mixpanel_dedup_id() -%}
    case
        when mp_insert_id is null
            then concat({{ mixpanel_identity_text() }}, 'row ', cast(row_number as string), ' of ', source_file)
        {% if env_var('TRACKS_MIXPANEL_KEY', 'insert_id_time') == 'event_time_distinct_id_insert_id' %}
        else concat({{ mixpanel_identity_text() }}, mp_insert_id)
        {% else %}
        else mp_insert_id
        {% endif %}
    end
{%- endmacro %}

{#- An event's name and distinct_id, each with its length and a space, so that no two pairs of texts are one text. -#}
{% macro mixpanel_identity_text() -%}
    {%- for name in ['event_name', 'distinct_id'] -%}
        cast(length(coalesce({{ name }}, '')) as string), ':', coalesce({{ name }}, ''), ' '{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The first of the keys of `properties` that has a text. -#}
{% macro mixpanel_property(keys) -%}
    {%- set members = [] -%}
    {%- for key in keys -%}
        {%- do members.append(json_member('properties', key) | trim) -%}
    {%- endfor -%}
    {{ members[0] if members | length == 1 else 'coalesce(' ~ members | join(', ') ~ ')' }}
{%- endmacro %}

{#- A newer delivery first; of two that Mixpanel processed at once in one day's files, the first in them. -#}
{% macro mixpanel_last_first() -%}
    coalesce(processed_at, {{ long_ago() }}) desc,
    source_file asc,
    row_number asc
{%- endmacro %}

{#- An older delivery first; of two that Mixpanel processed at once, the one that was exported first. -#}
{% macro mixpanel_first_first(table) -%}
    coalesce({{ table }}.processed_at, {{ long_ago() }}) asc,
    {{ table }}.window_start asc,
    {{ table }}.source_file asc,
    {{ table }}.row_number asc
{%- endmacro %}

{#- What the merge of Mixpanel's events and the model of its rejected rows have in common. -#}
{% macro mixpanel_window() %}
    {% do return({
        'window': 'window_start',
        'loaded_at': 'bq_ingested_timestamp',
        'overlap_hours': 24 * env_var('TRACKS_MIXPANEL_LOOKBACK_DAYS', '3') | int,
    }) %}
{% endmacro %}

{#- The properties that are columns of their own: the keys of the raw export and those of the schematized pipeline. -#}
{% macro mixpanel_properties() %}
    {% do return({
        'mp_lib': ['mp_lib'],
        'device_os': ['$os', 'mp_os'],
        'app_version': ['$app_version_string', 'mp_app_version_string', '$app_version', 'mp_app_version'],
        'city': ['$city', 'mp_city'],
        'country': ['mp_country_code', '$country_code'],
        'utm_source': ['utm_source'],
        'utm_medium': ['utm_medium'],
        'utm_campaign': ['utm_campaign'],
    }) %}
{% endmacro %}
