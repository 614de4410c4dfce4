"""Alerts that reach a person: what is wrong, as one incident each, reported once and again when it is over."""
