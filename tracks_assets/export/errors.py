"""The errors of the export: whatever is wrong with it, the person on duty reads one sentence."""


class ExportError(Exception):
    """The export is not as PostHog writes it, or cannot be reached; the message is one sentence."""


class TransientExportError(ExportError):
    """The storage failed for a reason that passes, so the same load can succeed later."""
