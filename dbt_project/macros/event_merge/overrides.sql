{#-
    Columns whose value something else than a delivery decides. The setting `overrides` has for each of them:

    table    the overrides, as dbt's `source` takes it; a row names an event by the key's columns
    value    the column of that table with the value, never null
    same     a column of both tables: an override counts only where the event has the same value in it
    newest   the column of that table by which the newest override of a key is found, the only one that counts

    An override is applied where a row is made of a delivery, and nowhere else. So fingerprints are those of rows with
    their overrides, and a delivery that only lacks the override changes nothing. Overrides are joined to the keys of a
    plan, so that payloads still stream past them. An empty table of overrides costs nothing.
-#}

{#- The newest override of each key of a relation, for each column; each a subquery that ends with a comma. -#}
{% macro newest_overrides(merge, keys) -%}
{% for column, override in merge.overrides.items() %}
{{ column }}_ranked as (
    select
        {{ key_columns(merge) }},
        {{ override.same }} as {{ column }}_of,
        {{ override.value }} as {{ column }}_override,
        row_number() over (partition by {{ key_columns(merge) }} order by {{ override.newest }} desc) as from_newest
    from {{ source(*override.table).render() if merge.only else source(*override.table) }}
    where {{ key_of(merge) }} in (select {{ key_of(merge, keys) }} from {{ keys }})
),

{{ column }}_overrides as (
    select * from {{ column }}_ranked
    where from_newest = 1
),

{% endfor %}
{%- endmacro %}

{#- What the subqueries of newest_overrides add to a relation: its columns, and the joins that find them. -#}
{% macro override_columns(merge, table='') -%}
{%- set found = [] -%}
{%- for column in merge.overrides -%}
    {%- for name in [column ~ '_of', column ~ '_override'] -%}
        {%- do found.append((table or column ~ '_overrides') ~ '.' ~ name) -%}
    {%- endfor -%}
{%- endfor -%}
{% do return(found) %}
{%- endmacro %}

{% macro join_overrides(merge, table) -%}
{% for column in merge.overrides %}
left join {{ column }}_overrides on {{ same_key(merge, table, column ~ '_overrides') }}
{% endfor %}
{%- endmacro %}

{#- A column of a row that has the columns of override_columns: the override's value where it counts. -#}
{% macro overridden(merge, column, table='') -%}
{%- set of = table ~ "." if table else "" -%}
{%- if column in merge.overrides -%}
case
    when {{ of }}{{ merge.overrides[column].same }} = {{ column }}_of then {{ column }}_override
    else {{ of }}{{ column }}
end as {{ column }}
{%- else -%}
{{ of }}{{ column }}
{%- endif -%}
{%- endmacro %}
