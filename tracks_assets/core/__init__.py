"""The base of every other package: errors, SQL files and strict JSON."""
