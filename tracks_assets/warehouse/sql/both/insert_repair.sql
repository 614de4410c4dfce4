insert into {{ tracks_repairs }} ({{ shared.names(tracks_repairs.columns) }})
values (
    {% for column in tracks_repairs.columns %}
    {{ parameter(column.name) }}{{ "," if not loop.last }}
    {% endfor %}
)
