"""Writes files so that a reader never sees half of one: beside the target first, then in its place in one step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from tracks_assets.core.errors import ReportedError


class OutputError(ReportedError):
    """A file cannot be written."""


@contextmanager
def replaced(path: Path) -> Iterator[IO[str]]:
    """A new text file that takes the place of ``path`` at the end of the ``with`` block, unless the block raises.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            new = Path(file.name)
            try:
                yield file
                file.flush()
                # A temporary file is its owner's alone; the page is for everyone who could read it before.
                new.chmod(0o666 & ~_umask())
                new.replace(path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise OutputError(
            f"The file {path} cannot be written ({error.strerror or error}).",
            next_step="Name another file with --out.",
        ) from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
