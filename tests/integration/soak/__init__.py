"""The soak in short, and that it finds what it looks for."""
