select
    bucket_start,
    table_name,
    metric_name,
    dimension,
    dimension_value,
    metric_value
from {{ daily_metrics }}
where measured_at = {{ parameter("measured_at") }}
order by bucket_start, table_name, metric_name, dimension, dimension_value
