-- One step for whoever reads: before it the old rows, after it the new ones. A copy keeps partitioning, clustering
-- and descriptions.
create or replace table {{ tracks }} copy {{ rewritten }}
