delete from {{ tracks }}
where rowid in (select losers.place from losers)
