-- Whatever restores tracks exactly: the rows, in full, that the repair is going to touch. It touches no others, which
-- the hash sum over all rows proves before the repair is published.
create table {{ snapshot }} as
select tracks.*
from {{ tracks }} as tracks
where tracks.event_id in (select touched.event_id from {{ touched }} as touched)
