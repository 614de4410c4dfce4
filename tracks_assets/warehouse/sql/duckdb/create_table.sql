create table if not exists {{ table }} (
    {% for column in table.columns %}
    {{ column.name }} {{ types[column.type] }}
        {{ "using compression zstd" if column.name in bulky }}
        {{ "," if not loop.last }}
    {% endfor %}
)
