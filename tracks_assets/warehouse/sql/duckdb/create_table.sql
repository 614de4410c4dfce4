create table if not exists {{ table }} (
    {% for column in table.columns %}
    {{ column.name }} {{ types[column.type] }}
        {{ "using compression " ~ compression[column.name] if column.name in compression }}
        {{ "," if not loop.last }}
    {% endfor %}
)
