drop snapshot table if exists {{ snapshot }}
