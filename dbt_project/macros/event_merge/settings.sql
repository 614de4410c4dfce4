{#-
    The settings of an event_merge model: a dict that the model sets, uses and hands to dbt as `meta.event_merge`.

    source            the deliveries, as dbt's `source` takes it, or a model as `ref` takes it
    unique_key        the columns that are an event's id
    time              when the event happened; a re-delivery never moves it
    identity          deliveries of one id that differ in one of these columns are different events: a collision
    delivery_order    when the source stored a delivery (null counts as oldest), and when the delivery was loaded
    delivery_columns  what a delivery has in addition to the table's columns, its export hour (or day) first
    window_hours      the hours of a slice of the source, 1 by default: of each, the log has a row
    overlap_hours     without a window, how far a run goes back; the var overlap_hours by default
    cutover           the first UTC day that the table takes, or '' for every day
    tables            what the merge keeps: contents, redelivered, collisions, log, and on BigQuery the write lock
    overrides         optional: columns whose value an override decides, not the delivery; see overrides.sql

    The table's columns are those that the model's properties file lists, in that order, with their data types.
-#}
{% macro event_merge_of(settings, node=none) %}
    {%- do check_event_merge(settings) -%}
    {%- set columns = event_columns(node) -%}
    {%- set loaded_at = settings.delivery_order[1] -%}
    {%- set overrides = settings.get('overrides', {}) -%}
    {%- set content = columns | reject('in', [] if settings.time in settings.unique_key else [settings.time]) | list -%}
    {% do return(dict(
        settings,
        inserted_at=settings.delivery_order[0],
        loaded_at=loaded_at,
        window=settings.delivery_columns[0],
        window_hours=settings.get('window_hours', 1),
        is_timed_key=settings.time in settings.unique_key,
        columns=columns,
        json_columns=event_json_columns(node),
        content_columns=content,
        delivered_columns=content | reject('equalto', loaded_at) | reject('in', overrides.keys() | list) | list,
        updated_columns=content | reject('in', settings.unique_key) | list,
        raw_columns=columns + settings.delivery_columns,
        table=none,
        only=none,
        since=none,
        overrides=overrides,
    )) %}
{% endmacro %}

{#- The settings of the model that is being built; an error names what event_merge cannot do. -#}
{% macro configured_merge() %}
    {%- if should_full_refresh() -%}
        {%- do exceptions.raise_compiler_error(
            "event_merge does not rebuild " ~ this ~ ": rows that no delivery brings back would be lost. "
            ~ "Set full_refresh=false in the model."
        ) -%}
    {%- endif -%}
    {%- if config.get('on_schema_change', 'ignore') != 'ignore' -%}
        {%- do exceptions.raise_compiler_error(
            "on_schema_change is '" ~ config.get('on_schema_change') ~ "', but event_merge only takes 'ignore'."
        ) -%}
    {%- endif -%}
    {% do return(event_merge_of(config.get('meta', {}).get('event_merge', {}))) %}
{% endmacro %}

{#- The table's columns; a unit test gives them itself, because dbt tests a copy of the model that has lost them. -#}
{% macro event_columns(node=none) %}
    {% do return((node or model).columns.keys() | list) %}
{% endmacro %}

{% macro event_json_columns(node=none) %}
    {%- set found = [] -%}
    {%- for name, column in (node or model).columns.items() if column.data_type == 'json' -%}
        {%- do found.append(name) -%}
    {%- endfor -%}
    {% do return(found) %}
{% endmacro %}

{#- An error names the setting: a missing one would be an empty text in the middle of a statement. -#}
{% macro check_event_merge(settings) %}
    {%- for name in ['source', 'unique_key', 'time', 'identity', 'delivery_order', 'delivery_columns', 'tables']
        if not settings[name] -%}
        {%- do exceptions.raise_compiler_error("event_merge needs the setting '" ~ name ~ "'.") -%}
    {%- endfor -%}
    {%- if settings.delivery_order | length != 2 -%}
        {%- do exceptions.raise_compiler_error(
            "delivery_order is " ~ settings.delivery_order ~ ", but it must be two columns: when the source stored a "
            ~ "delivery, and when the delivery was loaded."
        ) -%}
    {%- endif -%}
    {%- for column, override in settings.get('overrides', {}).items() -%}
        {%- for name in ['table', 'value', 'same', 'newest'] if not override[name] -%}
            {%- do exceptions.raise_compiler_error(
                "The override of '" ~ column ~ "' needs the setting '" ~ name ~ "'."
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}

{#-
    The deliveries: a table that the loader fills, or a model over it. `dbt build --empty` reads none of them, but a view
    that names none would stay as it is.
-#}
{% macro merge_source(merge) %}
    {%- set deliveries = ref(*merge.source) if merge.source | length == 1 else source(*merge.source) -%}
    {% do return(deliveries.render() if merge.only else deliveries) %}
{% endmacro %}

{#- A table that the merge keeps; --empty does not limit it, because the merge writes it. -#}
{% macro merge_table(merge, name) %}
    {% do return(source(*merge.tables[name]).render()) %}
{% endmacro %}

{#- The key's columns, one after another. -#}
{% macro key_columns(merge, table='') -%}
    {%- for column in merge.unique_key -%}
        {{ table ~ "." if table }}{{ column }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The key as one value: what `in` compares. -#}
{% macro key_of(merge, table='') -%}
    {{ "(" if merge.unique_key | length > 1 }}{{ key_columns(merge, table) }}{{ ")" if merge.unique_key | length > 1 }}
{%- endmacro %}

{#- Whether the rows of two tables have the same key. -#}
{% macro same_key(merge, one, other) -%}
    {%- for column in merge.unique_key -%}
        {{ one }}.{{ column }} = {{ other }}.{{ column }}{{ " and " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
