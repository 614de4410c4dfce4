{#- The names of events that a var lists, for `in (..)`. -#}
{% macro named_events(variable) -%}
    {%- set names = var(variable) -%}
    {%- if names is string or names | length == 0 -%}
        {%- do exceptions.raise_compiler_error("The var " ~ variable ~ " must be a list of event names.") -%}
    {%- endif -%}
    {%- for name in names if "'" in name or '\\' in name -%}
        {%- do exceptions.raise_compiler_error(
            "The var " ~ variable ~ ' has the event name "' ~ name ~ '", but a name has no quotation mark or backslash.'
        ) -%}
    {%- endfor -%}
    {{ text_list(names) }}
{%- endmacro %}

{#-
    Who counts as one user: a user_id, whatever system it comes from. An event without a user counts as a user of its own,
    so that it is not lost. An empty id is none: Mixpanel writes it where nobody is known.
-#}
{% macro counted_user(user_id, source, event_id) -%}
    case
        when coalesce({{ user_id }}, '') = '' then concat({{ source }}, ' ', {{ event_id }})
        else concat('user ', {{ user_id }})
    end
{%- endmacro %}
