-- The rows that their reader refuses, those that lack a value which they must have, and those whose JSON is none, or
-- is to be parsed strictly.
-- A field of a struct looks like a qualified column.
-- noqa: disable=RF03
select
    source_file,
    row_number
from plain_rows
where
    false
    {% if refusal %}
    or delivered.{{ refusal }} is not null
    {% endif %}
    {% for name in never_null %}
    or delivered.{{ name }} is null
    {% endfor %}
    {% for text in texts %}
    or case
        when delivered.{{ text }} is null then false
        when strlen(delivered.{{ text }}) > {{ longest }} then true
        when {{ values.is_doubtful("delivered." ~ text, max_depth) }} then true
        else not json_valid(delivered.{{ text }})
    end
    {% endfor %}
