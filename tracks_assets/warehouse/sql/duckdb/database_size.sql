-- The size of a block of the database file, and how many of its blocks are free.
select
    block_size,
    free_blocks
from pragma_database_size()
