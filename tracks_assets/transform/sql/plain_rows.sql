-- The rows of files that hold the columns of a table. Text becomes JSON by way of text, so that broken JSON is refused.
select
    {% for name, expression in columns %}
    {{ expression }} as {{ name }}{{ "," if not loop.last }}
    {% endfor %}
from plain_rows
