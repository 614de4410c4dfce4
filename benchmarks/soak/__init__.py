"""Hundreds of hourly runs in a row by the real sensor and daemon, with kill -9 and an outage; then, every promise.

``make soak`` runs it; tests/integration/soak runs a short form. ``account`` states what the tables must hold, from the
delivered files alone and without any code of the pipeline. ``deliver`` writes the hours, ``soak`` waits for the sensor
to load them and kills some of its runs, ``promises``, ``checks`` and ``trials`` look at what is there in the end.
"""
