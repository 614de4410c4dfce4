{#- Beginnings of values that BigQuery refuses: NaN, Infinity, and any number that a double may not hold. -#}
{% macro refused_value() -%}
    [+-]?(?:[iI][nN][fF]|[nN][aA][nN])|-?[0-9](?:[0-9.]*[eE]\+?[0-9]{3}|[0-9]{199})
{%- endmacro %}

{#-
    Whether a text may be JSON that DuckDB's reader takes and BigQuery does not, or takes otherwise: a trailing comma,
    NaN, Infinity, a number outside the range of a double, deep nesting, half a surrogate pair. It is true of some
    harmless texts, and never false of a harmful one. A pattern that begins with one fixed character is six times as
    fast as one with a choice. Brackets are counted in bytes (strlen): each is one byte, and counting characters takes
    twice the time. Escaped backslashes and whole pairs are taken out before a half is looked for.
-#}
{% macro is_doubtful(text, max_depth) -%}
(
    regexp_matches({{ text }}, ',\s*(?:[}\]]|{{ refused_value() }})')
    or regexp_matches({{ text }}, ':\s*(?:{{ refused_value() }})')
    or regexp_matches({{ text }}, '\[\s*(?:{{ refused_value() }})')
    or regexp_matches({{ text }}, '^\s*(?:{{ refused_value() }})')
    or strlen({{ text }}) - strlen(replace(replace({{ text }}, '[', ''), '{', '')) > {{ max_depth }}
    or case
        when contains({{ text }}, '\ud') or contains({{ text }}, '\uD')
            then regexp_matches(
                regexp_replace(
                    {{ text }},
                    '\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}',
                    ' ',
                    'g'
                ),
                '\\u[dD][89a-fA-F]'
            )
        else false
    end
)
{%- endmacro %}

{#- A value of a payload (its JSON text, null where there is none) as a column's type; null where it does not fit. -#}
{% macro as_type(value, type, moment) -%}
    {%- if type == 'INT64' -%}
        case when regexp_full_match({{ value }}::varchar, '-?[0-9]+') then try_cast({{ value }}::varchar as bigint) end
    {%- elif type == 'FLOAT64' -%}
        case when regexp_full_match({{ value }}::varchar, '-?[0-9].*') then try_cast({{ value }}::varchar as double) end
    {%- elif type == 'BOOL' -%}
        case {{ value }}::varchar when 'true' then true when 'false' then false end
    {%- elif type == 'TIMESTAMP' -%}
        case
            when regexp_full_match({{ value }}::varchar, '"{{ moment }}"')
                then try_cast(trim({{ value }}::varchar, '"') as timestamptz)
        end
    {%- else -%}
        {{ value }}
    {%- endif -%}
{%- endmacro %}
