"""Texts that end a literal, a name or a comment of SQL, or mean something to Jinja, JSON, a shell or a path."""

TEXTS = (
    "' or true --",
    "''; drop table posthog.tracks; --",
    '"; drop table posthog.tracks; --',
    "`; drop table posthog.tracks; --",
    "\\'; drop table posthog.tracks; --",
    "*/ drop table posthog.tracks; /*",
    "{{ env_var('HOME') }}{% set x = 1 %}",
    "${HOME} $(reboot) %s %(name)s {0}",
    "$1 @event_id ?",
    "line\nbreak\ttab\r",
    "null",
    "\u202eright to left\u200b🙂",
    "<script>alert(1)</script>|[a](javascript:b)",
    "../../etc/passwd",
)
