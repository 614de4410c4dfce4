"""Errors that the person on duty reads: each message is one sentence, with the next step."""


class ExportError(Exception):
    """The export is not as PostHog writes it, or cannot be reached; the message is one sentence."""


class TransientExportError(ExportError):
    """The storage failed for a reason that passes, so the same load can succeed later."""


class WarehouseError(Exception):
    """The warehouse cannot do what it was asked; the message is one sentence for the person on duty."""


class TransientWarehouseError(WarehouseError):
    """The engine failed for a reason that passes (lock, network, quota, conflict): the same work can succeed later."""
