"""The next step for a copy from a bucket that fails on local disk."""

import errno
import os

import pytest

from tracks_assets.storage.fetch import next_step


@pytest.mark.parametrize(
    ("number", "begins"),
    [
        (errno.ENOSPC, "Free disk space there, or set TMPDIR to a folder with 1,234 bytes of free space"),
        (errno.EDQUOT, "Free disk space there"),
        (errno.EFBIG, "Raise the limit on the size of files"),
        (errno.EACCES, "Set TMPDIR to a folder that this user may write"),
        (errno.EROFS, "Set TMPDIR to a folder that this user may write"),
        (errno.EIO, "Check that disk"),
    ],
)
def test_only_a_full_disk_asks_for_space(number: int, begins: str) -> None:
    step = next_step(OSError(number, os.strerror(number)), 1_234)
    assert step.startswith(begins)
    assert step.endswith(", then run the hour again.")
    assert ("disk space" in step) == (number in (errno.ENOSPC, errno.EDQUOT))
