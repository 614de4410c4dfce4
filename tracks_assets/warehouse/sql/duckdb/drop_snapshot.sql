drop table if exists {{ snapshot }}
