insert into {{ log }} ({{ shared.counted(log) }})
values (
    {% for name in shared.counted(log).split(", ") %}
    {{ parameter(name) }}{{ "," if not loop.last }}
    {% endfor %}
)
