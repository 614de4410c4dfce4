"""UUIDv7 for whole columns: Python's ``uuid`` makes one id at a time, which an hour of events has no time for."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_HEX = np.frombuffer(bytes(range(256)).hex().encode(), np.uint8).reshape(256, 2)
_DASHES = (8, 13, 18, 23)
_DIGITS = np.delete(np.arange(36), _DASHES)


def uuid7(unix_ms: NDArray[np.int64], random: Bytes) -> Bytes:
    """Ids of shape (n, 16) whose first 48 bits are ``unix_ms``; ``random`` has shape (n, 10)."""
    ids = np.empty((len(unix_ms), 16), np.uint8)
    ids[:, :6] = unix_ms.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    ids[:, 6:] = random
    ids[:, 6] = 0x70 | (ids[:, 6] & 0x0F)
    ids[:, 8] = 0x80 | (ids[:, 8] & 0x3F)
    return ids


def uuid_text(ids: Bytes) -> pa.StringArray:
    """The ids of shape (n, 16) as text, ``018f0f6e-....``."""
    text = np.full((len(ids), 36), ord("-"), np.uint8)
    text[:, _DIGITS] = _HEX[ids].reshape(len(ids), 32)
    return fixed_width_text(text)


def fixed_width_text(characters: Bytes) -> pa.StringArray:
    """One text per row of ``characters``, shape (n, width), ASCII."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    data = pa.py_buffer(characters.tobytes())
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets.tobytes()), data)
