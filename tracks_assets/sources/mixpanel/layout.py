"""Day <-> folder, and the names of files, as Mixpanel's raw event pipelines lay them out.

A folder ``mp_master_event/{YYYY}/{MM}/{DD}/`` holds what was exported on a day, UTC. Its files may carry events of any
day: a device sends what it has when it is online again.
"""

import re
from datetime import datetime, timedelta

DAY = timedelta(days=1)

FOLDER = "mp_master_event"

FOLDER_TEMPLATE = f"{FOLDER}/{{YYYY}}/{{MM}}/{{DD}}"

LEVELS = (re.compile(r"\d{4}"), re.compile(r"0[1-9]|1[0-2]"), re.compile(r"0[1-9]|[12]\d|3[01]"))
"""The names of the folders of years, months and days."""

_LINES = re.compile(r".+\.jsonl?(?:\.gz)?", re.DOTALL)
_PARQUET = re.compile(r".+\.parquet", re.DOTALL)


def day_folder(day: datetime) -> str:
    """The folder of a day below the export's root."""
    return f"{FOLDER}/{day:%Y/%m/%d}"


def is_lines(name: str) -> bool:
    """Whether a name is that of a file of JSON lines, compressed by gzip or not."""
    return _LINES.fullmatch(name) is not None


def is_parquet(name: str) -> bool:
    """Whether a name is that of a Parquet file."""
    return _PARQUET.fullmatch(name) is not None


def is_compressed(name: str) -> bool:
    """Whether a file of JSON lines is compressed by gzip."""
    return name.endswith(".gz")


def stem(name: str) -> str:
    """A file's name without what says how it is written: two files of one stem are the same export twice."""
    return re.sub(r"\.(?:parquet|jsonl?(?:\.gz)?)$", "", name)
