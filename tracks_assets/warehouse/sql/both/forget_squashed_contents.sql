-- What merges noted of rows with the person of a squash: such a row is no longer stored, so a delivery of just that
-- content is not one that changes nothing.
{% set timeless = tracks.columns | rejectattr("name", "equalto", "created_at") | list %}
delete from {{ content_fingerprints }}
where content in (
    select {{ dialect.fingerprint(timeless) }}
    from {{ tracks }} as stored
    inner join former_persons on {{ shared.is_former_row(dialect, "stored") | indent(8) }}
    where {{ shared.in_days(days, dialect, "stored") }}
)
