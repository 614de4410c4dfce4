"""Uploads of export hours: which are complete, which are late, and which runs follow."""
