{#-
    The platform that sent an event: web, ios, android, server or other. It follows from the library ($lib, mp_lib). A
    library that runs on several systems, such as React Native, leaves it to the operating system.
-#}
{% macro platform(lib, device_os) -%}
    {%- set libraries = {
        'web': ['web', 'js', 'posthog-js', 'posthog-js-lite'],
        'ios': ['posthog-ios', 'iphone', 'swift'],
        'android': ['posthog-android', 'android'],
        'server': [
            'posthog-dotnet', 'posthog-elixir', 'posthog-go', 'posthog-java', 'posthog-node', 'posthog-php',
            'posthog-python', 'posthog-ruby', 'posthog-rust', 'posthog-server', 'dotnet', 'go', 'http', 'java', 'jvm',
            'node', 'php', 'python', 'ruby',
        ],
    } -%}
    {%- set of_several_systems = [
        'posthog-flutter', 'posthog-react-native', 'posthog-unity', 'flutter', 'react-native', 'unity'
    ] -%}
    {%- set library = 'lower(trim(' ~ lib ~ '))' -%}
    {%- set system = 'lower(trim(' ~ device_os ~ '))' -%}
    case
        {%- for name, found in libraries.items() %}
        when {{ library }} in ({{ text_list(found) }}) then '{{ name }}'
        {%- endfor %}
        when {{ library }} in ({{ text_list(of_several_systems) }}) then
            case
                when {{ system }} in ('ios', 'ipados', 'iphone os') then 'ios'
                when {{ system }} = 'android' then 'android'
                else 'other'
            end
        else 'other'
    end
{%- endmacro %}

{#- Texts as the elements of a list in SQL. -#}
{% macro text_list(texts) -%}
    {%- for text in texts -%}
        '{{ text }}'{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
