insert into {{ person_squashes }} ({{ shared.names(person_squashes.columns) }})
values (
    {% for column in person_squashes.columns %}
    {{ parameter(column.name) }}{{ "," if not loop.last }}
    {% endfor %}
)
