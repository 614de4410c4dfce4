drop table if exists {{ rewritten }}
