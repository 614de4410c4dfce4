"""Starts bqemulator for the tests, with some changes.

It goes without DuckDB's spatial extension, which it would download: GEOGRAPHY is not used here. It rewrites a statement
in many steps and parses it again before each, which took most of a merge: here a text is parsed once, and a statement
is translated once. And it collects garbage less often, because most of it is syntax trees.

Only tests start it: ``python -m tests.support.emulators.launch_bigquery start --rest-port PORT``.
"""

import gc
import pickle
import re
import sys
from collections import OrderedDict
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import sqlglot

_KEPT = 5000
_READERS = {
    "_capture_dml_snapshots",
    "_detect_catalog_drop",
    "_detect_create_schema",
    "_detect_plain_create_table",
    "_detect_plain_create_view",
    "_dml_targets",
    "_is_row_producing",
    "_parse_for_classification",
    "_reject_dml_on_immutable",
    "build_catalog_schema",
}
"""The emulator's functions that only read the tree they parse; all others may change it, and get one of their own."""

_PREFIX = re.compile(rb"\bt[0-9a-f]{8}_")
_NO_PREFIX = b"t--------_"


class _Memory(OrderedDict[Any, Any]):
    """The results of the last calls."""

    def result(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self:
            self[key] = make()
            if len(self) > _KEPT:
                self.popitem(last=False)
        return self[key]


def _parsing_once(parse: Any) -> Any:
    """``sqlglot.parse_one`` with a memory."""
    trees, pickled = _Memory(), _Memory()

    def parse_one(sql: str, *arguments: Any, **options: Any) -> Any:
        key = (sql, arguments, tuple(sorted(options.items(), key=itemgetter(0))))
        try:
            hash(key)
        except TypeError:
            return parse(sql, *arguments, **options)
        tree = trees.result(key, lambda: parse(sql, *arguments, **options))
        if sys._getframe(1).f_code.co_name in _READERS:
            return tree
        return pickle.loads(pickled.result(key, lambda: pickle.dumps(tree)))

    return parse_one


def _remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of texts with a memory, to which the datasets of all tests are the same.

    Their names differ only in a prefix of one length, so it may be replaced in what is pickled.
    """
    results = _Memory()

    def remembering(*arguments: Any, **options: Any) -> Any:
        call = pickle.dumps((arguments, options))
        found = _PREFIX.search(call)
        prefix = found[0] if found else _NO_PREFIX
        result = results.result(
            call.replace(prefix, _NO_PREFIX),
            lambda: pickle.dumps(function(*arguments, **options)).replace(prefix, _NO_PREFIX),
        )
        return pickle.loads(result.replace(_NO_PREFIX, prefix))

    return remembering


def _replace(function: Callable[..., Any], by: Callable[..., Any]) -> None:
    """Puts a function in place of another wherever the emulator has imported it."""
    for module in list(sys.modules.values()):
        if vars(module).get(function.__name__) is function:
            setattr(module, function.__name__, by)


if __name__ == "__main__":
    gc.set_threshold(200_000, 50, 1000)

    from bqemulator.cli import main
    from bqemulator.scripting.parser import parse_script
    from bqemulator.sql.table_rewriter import rewrite_table_refs
    from bqemulator.sql.translator import SQLTranslator
    from bqemulator.storage.engine import DuckDBEngine

    translate = _remembering(SQLTranslator().translate)
    # mypy knows both for methods.
    setattr(SQLTranslator, "translate", lambda _, *arguments, **options: translate(*arguments, **options))  # noqa: B010
    for function in (parse_script, rewrite_table_refs):
        _replace(function, _remembering(function))
    sqlglot.parse_one = _parsing_once(sqlglot.parse_one)
    setattr(DuckDBEngine, "_load_spatial", lambda _: None)  # noqa: B010
    main()
