-- A snapshot of the whole table costs nothing until tracks changes, and goes by itself.
create snapshot table {{ snapshot }}
clone {{ tracks }}
options (expiration_timestamp = timestamp '{{ expires_at }}')
