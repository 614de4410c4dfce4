update {{ tracks }} as stored set
    person_id = former_persons.former_person_id
from former_persons
where
    {{ shared.is_former_row(dialect, "stored") | indent(4) }}
    and stored.person_id = former_persons.squashed_person_id
    and {{ shared.in_days(days, dialect, "stored") }}
