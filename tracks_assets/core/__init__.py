"""The base of every other package: columns, tables, feeds, errors, SQL files and strict JSON."""
