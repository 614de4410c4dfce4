select *
from {{ duplicate_census }}
{% if has_bound %}
where measured_at <= {{ parameter("at_most") }}
{% endif %}
order by measured_at desc
limit 1
