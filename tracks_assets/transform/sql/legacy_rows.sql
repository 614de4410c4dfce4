-- The rows of the old pipeline's files. Text becomes JSON by way of text, so that what is none is refused.
select
    {% for name, type in columns %}
    delivered.{{ name }}{{ "::json as " ~ name if type == 'JSON' }}{{ "," if not loop.last }}
    {% endfor %}
from legacy_rows
