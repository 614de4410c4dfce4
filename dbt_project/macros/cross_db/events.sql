{#- What models and statements write alike for events and their tables, on both engines. -#}

{#- Which event a row belongs to, as a number that is never null: null is a value of an identity column too. -#}
{% macro identity(table='', names=['event_name', 'user_id']) -%}
    {%- set columns = [] -%}
    {%- for name in names -%}
        {%- do columns.append({'name': table ~ "." ~ name if table else name, 'type': 'STRING'}) -%}
    {%- endfor -%}
    {{ fingerprint(columns) }}
{%- endmacro %}

{#- The first delivery first, as far as it decides which event an id belongs to; an unknown insert time is oldest. -#}
{% macro first_delivery_first(
    table='', inserted_at='event_inserted_at', time='created_at', identity=['event_name', 'user_id']
) -%}
    {%- set of = table ~ "." if table else "" -%}
    {{ of }}{{ inserted_at }} asc nulls first,
    {{ of }}{{ time }} asc nulls last
    {%- for name in identity -%},
    {{ of }}{{ name }} asc nulls last
    {%- endfor %}
{%- endmacro %}

{#-
    What a transaction does first where an engine has several writers at a time: it changes the one row of a table that
    represents the written one. BigQuery runs transactions that only insert side by side: two merges that both miss an
    event would both insert it, and two loads of a new hour would fill it twice. Of two that change the same row, it
    aborts one, which then has changed nothing:
    https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency.
-#}
{% macro write_lock(table) -%}
merge into {{ table }} as lock
using (select 1 as number, current_timestamp() as taken_at) as taker
    on lock.number = taker.number
when matched then update set taken_at = taker.taken_at
when not matched then insert (number, taken_at) values (taker.number, taker.taken_at)
{%- endmacro %}
