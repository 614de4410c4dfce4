{#-
    All deliveries with their keys; on BigQuery, where the days of the batch are named, only those that happened on
    them: mp_master_event is clustered by time, so that the blocks of other days are not read.
-#}
{% macro mixpanel_keyed(on_batch_days=false) -%}
select
    {{ mixpanel_dedup_id() | indent(4) }} as dedup_id,
    *
from {{ source('mixpanel', 'mp_master_event') }}
{% if on_batch_days and target.type == 'bigquery' and execute %}
where {{ mixpanel_on_batch_days() }}
{% endif %}
{%- endmacro %}

{#- The keys that the window delivers. -#}
{% macro mixpanel_batch_keys() -%}
select distinct
    dedup_id,
    time
from (
    {{ mixpanel_keyed() | indent(4) }}
) as delivered
where {{ in_merge_window(mixpanel_window()) }}
{%- endmacro %}

{#- The days on which the events of the window happened, as literals: BigQuery prunes by nothing else. -#}
{% macro mixpanel_on_batch_days() -%}
    {%- set query -%}
        select distinct cast({{ day_of('time') }} as string) as day
        from {{ source('mixpanel', 'mp_master_event') }}
        where {{ in_merge_window(mixpanel_window()) }}
        order by day
    {%- endset -%}
    {%- set days = run_query(query).columns[0].values() -%}
    {%- for day in days -%}
        {%- set start = "timestamp '" ~ day[:10] ~ " 00:00:00+00'" -%}
        (time >= {{ start }} and time < {{ hours_after(start, 24) }}){{ " or " if not loop.last }}
    {%- else -%}
        false
    {%- endfor -%}
{%- endmacro %}

{#- Before the rows of the window's events are made again: those that are stored of them go, and those of its days. -#}
{% macro forget_rejected() -%}
{%- if merges_into_table() -%}
delete from {{ this }}
where
    (dedup_id, time) in (select (dedup_id, time) from ({{ mixpanel_batch_keys() }}) as batch_keys)
    or {{ in_merge_window(mixpanel_window()) }}
{%- endif -%}
{%- endmacro %}
