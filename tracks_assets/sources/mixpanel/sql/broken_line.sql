-- The first line that is no JSON object.
select number
from given
where not json_valid(line) or json_type(line) != 'OBJECT'
order by number
limit 1
