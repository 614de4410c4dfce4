-- The runs of squash_person_overrides, the newest first.
select {{ shared.names(person_squashes.columns) }}
from {{ person_squashes }}
order by started_at desc, squash_id desc
