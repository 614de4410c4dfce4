"""How the memory limit is shared: what a thread may work on at a time, so that an hour of any events fits."""

import duckdb

from tracks_assets.setting_types import memory_bytes

_PARSED = 20
"""Bytes that the extraction takes for each byte of JSON text (json_extract of every member, and the key lists)."""

_SHARE = 3
"""Only a third of the limit is for that: the rest is for what is written, and for what a vector is stored in."""

_LARGEST, _SMALLEST = 8 * 2**20, 256 * 2**10
"""A vector of common events is 5 MB, so that more would gain nothing; less than the other would cost too much time."""


def batch_bytes(connection: duckdb.DuckDBPyConnection, memory_limit: str) -> int:
    """Bytes of deliveries that one of DuckDB's threads may work on at a time.

    Args:
        connection: which has some number of threads.
        memory_limit: its limit, for instance "2GB".
    """
    ((threads,),) = connection.execute("select current_setting('threads')").fetchall()
    share = memory_bytes(memory_limit) // (_SHARE * _PARSED * int(threads))
    return max(_SMALLEST, min(_LARGEST, share))
