-- By position, for a column's name is a reserved word of BigQuery's.
insert into {{ duplicate_census }}
values (
    {% for column in duplicate_census.columns %}
    {{ parameter(column.name) }}{{ "," if not loop.last }}
    {% endfor %}
)
