"""Hundreds of hourly runs in a row, with re-deliveries, kill -9 and an outage; then, every promise is checked.

``make soak`` runs it; tests/soak runs a short form. ``account`` states what the tables must hold, from the delivered
files alone and without any code of the pipeline. ``deliver`` writes the hours, ``drive`` says what is to be run,
``process`` runs and kills it.
"""
