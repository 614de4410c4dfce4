"""The checks: each green on a sound table, red on a damaged one, and never silent where it cannot know."""
