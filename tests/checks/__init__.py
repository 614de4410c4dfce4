"""The checks: each green on a whole table, red on a damaged one, and never silent where it cannot tell."""
