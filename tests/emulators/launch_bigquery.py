"""Starts bqemulator for the tests, with some changes.

It goes without DuckDB's spatial extension, which it would download: GEOGRAPHY is not used here. It rewrites a statement
in many steps and parses it again after each, which took two thirds of a merge: here a text is parsed once. And
it collects garbage less often, because most of it is syntax trees.

Only tests start it: ``python -m tests.emulators.launch_bigquery start --rest-port PORT``.
"""

import gc
import pickle
from collections import OrderedDict
from operator import itemgetter
from typing import Any

import sqlglot

_KEPT = 2000


def _parsing_once(parse: Any) -> Any:
    """``sqlglot.parse_one`` with a memory."""
    parsed: OrderedDict[Any, bytes] = OrderedDict()

    def parse_one(sql: str, *arguments: Any, **options: Any) -> Any:
        key = (sql, arguments, tuple(sorted(options.items(), key=itemgetter(0))))
        try:
            found = parsed.get(key)
        except TypeError:
            return parse(sql, *arguments, **options)
        if found is not None:
            return pickle.loads(found)
        expression = parse(sql, *arguments, **options)
        parsed[key] = pickle.dumps(expression)
        if len(parsed) > _KEPT:
            parsed.popitem(last=False)
        return expression

    return parse_one


if __name__ == "__main__":
    import gc

    gc.set_threshold(200000, 50, 1000)
    gc.set_threshold(200_000, 50, 1000)
    # Before the emulator's modules take it for their own.
    sqlglot.parse_one = _parsing_once(sqlglot.parse_one)

    from bqemulator.cli import main
    from bqemulator.storage.engine import DuckDBEngine

    setattr(DuckDBEngine, "_load_spatial", lambda _: None)  # noqa: B010 (mypy knows it for a method)
    main()
