"""Alerts that reach a person: what is wrong, as one incident each, told once and told again when it is over."""
