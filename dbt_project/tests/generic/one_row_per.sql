{#- A generic test: the key columns that are stored more than once. -#}
{% test one_row_per(model, key) %}
select {{ key | join(', ') }}
from {{ model }}
group by {{ key | join(', ') }}
having count(*) > 1
{% endtest %}
