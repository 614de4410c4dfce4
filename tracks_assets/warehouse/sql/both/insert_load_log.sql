insert into {{ load_log }} ({{ shared.counted(load_log) }})
values (
    {% for name in shared.counted(load_log).split(", ") %}
    {{ parameter(name) }}{{ "," if not loop.last }}
    {% endfor %}
)
