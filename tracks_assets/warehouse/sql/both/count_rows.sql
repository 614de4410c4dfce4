select count(*) as all_rows
from {{ table }}
