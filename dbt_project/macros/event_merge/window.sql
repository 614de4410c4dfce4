{#-
    Which deliveries a merge looks at.

    Under Dagster, the window of export hours [TRACKS_WINDOW_START, TRACKS_WINDOW_END). An environment variable and not
    a dbt var, because a changed var makes dbt parse the full project again.

    Without Dagster, everything loaded since the newest load that the table holds, less an overlap: merging a delivery
    twice is safe.

    A view names its deliveries by a condition of its own, `only`: see live.sql.
-#}
{% macro in_merge_window(merge) -%}
    {%- do check_variables() -%}
    {%- if merge.get('only') -%}
        {{ merge.only }}
    {%- elif has_window() -%}
        {{ merge.window }} >= {{ utc_timestamp(env_var('TRACKS_WINDOW_START')) }} and {{ merge.window }} < {{ utc_timestamp(env_var('TRACKS_WINDOW_END')) }}
    {%- elif merges_into_table() -%}
        {{ merge.loaded_at }} >= (
            select coalesce({{ hours_after('max(' ~ merge.loaded_at ~ ')', '-' ~ merge.get('overlap_hours', var('overlap_hours'))) }}, {{ utc_day('0001-01-01') }})
            from {{ this }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Whether the run names its window. -#}
{% macro has_window() %}
    {% do return(execute and env_var('TRACKS_WINDOW_START', '') != '' and env_var('TRACKS_WINDOW_END', '') != '') %}
{% endmacro %}

{#- Whether the table takes a delivery: without a cutover, which is the default, it takes every one. -#}
{% macro since_cutover(merge) -%}
    {%- if merge.cutover and not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', merge.cutover) -%}
        {%- do exceptions.raise_compiler_error(
            "TRACKS_CUTOVER is '" ~ merge.cutover ~ "', but it must be a UTC day such as 2026-03-04."
        ) -%}
    {%- endif -%}
    {{ merge.time ~ " >= " ~ utc_day(merge.cutover) if merge.cutover else "true" }}
{%- endmacro %}

{#- A moment before every real one, because deliveries whose insert time is unknown count as oldest. -#}
{% macro long_ago() -%} {{ utc_day('0001-01-01') }} {%- endmacro %}

{#- The start of a day in UTC. -#}
{% macro utc_day(day) -%} {{ utc_timestamp(day ~ "T00:00:00+00:00") }} {%- endmacro %}
