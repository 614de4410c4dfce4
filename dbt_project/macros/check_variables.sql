{#-
    What the environment puts into statements, held to what it may be. Dagster checks its settings itself; a bare `dbt build`
    reads the same variables with nothing in between, so whatever is compiled with them begins here.
-#}
{% macro check_variables() %}
    {%- if execute -%}
        {%- set day = '[0-9]{4}-[0-9]{2}-[0-9]{2}' -%}
        {%- set moment = day ~ 'T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?[+]00:00' -%}
        {%- do check_variable('TRACKS_CUTOVER', day, 'a UTC day such as 2026-03-04') -%}
        {%- do check_variable('TRACKS_WINDOW_START', moment, 'a moment such as 2026-03-12T00:00:00+00:00') -%}
        {%- do check_variable('TRACKS_WINDOW_END', moment, 'a moment such as 2026-03-12T01:00:00+00:00') -%}
        {%- do check_variable(
            'TRACKS_BQ_DATASET_PREFIX', '[A-Za-z0-9_]+', 'letters, digits and underscores only, such as staging_'
        ) -%}
        {%- do check_variable('TRACKS_LIVE_HOURS', '[1-9][0-9]{0,4}', 'a whole number of hours such as 48') -%}
        {%- do check_variable('TRACKS_TEAM_ID', '[1-9][0-9]{0,17}', 'the number of a PostHog project such as 12345') -%}
        {%- do check_variable(
            'TRACKS_MIXPANEL_KEY', 'insert_id_time|event_time_distinct_id_insert_id',
            "'insert_id_time' or 'event_time_distinct_id_insert_id'"
        ) -%}
        {%- do check_variable('TRACKS_MIXPANEL_LOOKBACK_DAYS', '[0-9]{1,4}', 'a whole number of days such as 3') -%}
        {%- if not modules.re.fullmatch('[0-9]+', var('overlap_hours') | string) -%}
            {%- do exceptions.raise_compiler_error(
                "The var overlap_hours is '" ~ var('overlap_hours') ~ "', but it must be a whole number of hours such as 72."
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{#- dbt asks here for the rows that a test looks at: the tests of tracks name TRACKS_CUTOVER. -#}
{% macro default__get_where_subquery(relation) %}
    {%- do check_variables() -%}
    {%- do return(dbt.default__get_where_subquery(relation)) -%}
{% endmacro %}

{% macro check_variable(name, pattern, allowed) %}
    {%- set value = env_var(name, '') -%}
    {%- if value and not modules.re.fullmatch(pattern, value) -%}
        {%- do exceptions.raise_compiler_error(name ~ " is '" ~ value ~ "', but it must be " ~ allowed ~ ".") -%}
    {%- endif -%}
{% endmacro %}
