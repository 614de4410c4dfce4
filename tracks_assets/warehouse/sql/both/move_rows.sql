-- By position, for a column's name is a reserved word of BigQuery's.
insert into {{ table }}
select
    {% for expression in expressions -%}
        {{ expression }}{{ "," if not loop.last }}
    {% endfor %}
from {{ former }} as former
