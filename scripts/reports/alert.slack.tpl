{% if level == "error" %}:rotating_light:{% elif level == "warning" %}:warning:{% else %}:information_source:{% endif %} *{{ title }}*

{{ message }}
{% if details %}
```
{% for key, value in details %}
{{ key }}: {{ value }}
{% endfor %}
```
{% endif %}

_Source: {{ source }}_ | _{{ generated_at|date("%Y-%m-%d %H:%M:%S") }}_
