"""The one error of the export: whatever is wrong with it, the person on duty reads one sentence."""


class ExportError(Exception):
    """The export is not as PostHog writes it, or cannot be reached; the message is one sentence."""
