"""Errors that the person on duty reads, in the parts of a message; they are joined only where they are shown."""


class ReportedError(Exception):
    """An error in the parts that ``quality.message.Message`` has. Each text is a sentence with its full stop.

    Attributes:
        finding: what is wrong, in one sentence of about 10 words.
        comparison: what that means or was compared with, such as ``Nothing was changed.``; empty if nothing.
        next_step: what to do, as an imperative; empty if nothing.
    """

    def __init__(self, finding: str, comparison: str = "", next_step: str = "") -> None:
        # All parts are in ``args``, so that the error can be pickled.
        super().__init__(finding, comparison, next_step)
        self.finding = finding
        self.comparison = comparison
        self.next_step = next_step

    def __str__(self) -> str:
        return " ".join(filter(None, (self.finding, self.comparison, self.next_step)))


class ExportError(ReportedError):
    """The export is not as PostHog writes it, or cannot be reached."""


class TransientExportError(ExportError):
    """The storage failed for a reason that passes, so the same load can succeed later."""


class WarehouseError(ReportedError):
    """The warehouse cannot do what it was asked."""


class TransientWarehouseError(WarehouseError):
    """The engine failed for a reason that passes (lock, network, quota, conflict): the same work can succeed later."""
