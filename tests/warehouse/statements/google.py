"""Google's own analyzer of its SQL and the reference implementation behind it, on this machine, without an account.

The analyzer knows more than BigQuery lets through: what BigQuery does not have is taken from it here, so that a text
that passes is one that BigQuery takes.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from zetasql.api import CatalogBuilder, TableBuilder
from zetasql.core.exceptions import ServerError
from zetasql.core.local_service import ZetaSqlLocalService
from zetasql.types import (
    AnalyzerOptions,
    LanguageFeature,
    LanguageOptions,
    ProductMode,
    Type,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)

from tracks_assets.core.columns import ColumnType

NOT_IN_BIGQUERY = (
    "FEATURE_AGGREGATE_FILTERING",
    "FEATURE_BARE_ARRAY_ACCESS",
    "FEATURE_DML_RETURNING",
    "FEATURE_INSERT_ON_CONFLICT_CLAUSE",
    "FEATURE_JSON_TYPE_COMPARISON",
    "FEATURE_LATERAL_JOIN",
    "FEATURE_LIMIT_OFFSET_EXPRESSIONS",
    "FEATURE_LITERAL_CONCATENATION",
    "FEATURE_MULTILEVEL_AGGREGATION",
    "FEATURE_TIMESTAMP_NANOS",
    "FEATURE_TIMESTAMP_PICOS",
)


def statements_in(script: str) -> list[str]:
    """The statements of a script without their comments, each ending its line with a semicolon."""
    script = re.sub(r"(?m)^\s*--.*$", "", script)
    return [text.strip() for text in re.split(r";[ \t]*(?:\n|$)", script) if text.strip()]


_CONDITIONAL = re.compile(r"if (?P<condition>.+?) then\s+(?P<statement>.+)$", re.DOTALL)
_DECLARED = re.compile(r"declare (?P<name>\w+) (?P<type>.+)$")
_ASSIGNED = re.compile(r"set \w+ = (?P<value>.+)$", re.DOTALL)


class RefusedError(AssertionError):
    """Google's analyzer, or the evaluation, refuses a text; the message holds its reason and the text."""


class Google:
    """The analyzer, and what it knows: tables by their whole name, and the types of query parameters.

    Args:
        parameters: every query parameter that a text may name, with its type.
    """

    def __init__(self, parameters: Mapping[str, ColumnType]) -> None:
        self._language = LanguageOptions.maximum_features()
        self._language.product_mode = ProductMode.PRODUCT_EXTERNAL
        without = {LanguageFeature[name] for name in NOT_IN_BIGQUERY}
        self._language.enabled_language_features = [
            feature for feature in self._language.enabled_language_features if feature not in without
        ]
        parameter = AnalyzerOptions.QueryParameter
        self._options = AnalyzerOptions(
            language_options=self._language,
            query_parameters=[
                parameter(name=name, type=Type(type_kind=TypeKind[f"TYPE_{type_}"]))
                for name, type_ in parameters.items()
            ],
        )
        self._service = ZetaSqlLocalService.get_instance()
        self._registered: int | None = None
        self._catalog = (
            CatalogBuilder("project")
            .with_builtin_functions(ZetaSQLBuiltinFunctionOptions(language_options=self._language))
            .build()
        )

    def add_table(self, name: str, columns: Iterable[tuple[str, Any]]) -> None:
        """Adds a table, given its columns' names and types; one of that name is replaced."""
        builder = TableBuilder(name, serialization_id=len(self._catalog.table) + 1)
        for column, type_ in columns:
            builder.add_column(column, TypeKind[f"TYPE_{type_}"] if isinstance(type_, ColumnType) else type_)
        self._catalog.table = [table for table in self._catalog.table if table.name != name]
        self._catalog.table.append(builder.build())
        if self._registered is not None:
            self._service.unregister_catalog(registered_id=self._registered)
            self._registered = None

    def add_created(self, text: str) -> None:
        """Adds the table that a CREATE TABLE ... AS statement would make."""
        created = self.check(text)
        columns = [(column.name, column.type) for column in created.column_definition_list]
        self.add_table(".".join(created.name_path), columns)

    def check(self, text: str) -> Any:
        """Analyzes a statement and returns what it resolves to.

        Raises:
            RefusedError: Google's analyzer does not take it.
        """
        try:
            analyzed = self._service.analyze(
                sql_statement=text, options=self._options, registered_catalog_id=self._catalog_id()
            )
        except ServerError as error:
            raise RefusedError(f"{error}\n{text}") from error
        return analyzed.resolved_statement

    def _catalog_id(self) -> int:
        """The catalog as the analyzer keeps it: handing it over with a text takes ten times as long as most texts."""
        if self._registered is None:
            self._registered = self._service.register_catalog(simple_catalog=self._catalog).registered_id
        return self._registered

    def check_script(self, script: str) -> None:
        """Analyzes every statement of a script, each with the tables and variables that those before it made.

        Raises:
            RefusedError: Google's analyzer does not take one of them.
        """
        variables: dict[str, str] = {}
        for text in statements_in(script):
            self._check_step(variables, text)

    def _check_step(self, variables: dict[str, str], text: str) -> None:
        """Analyzes one statement of a script; notes the variable that it declares."""
        declared, assigned, conditional = (pattern.match(text) for pattern in (_DECLARED, _ASSIGNED, _CONDITIONAL))
        if conditional:
            self.check(f"select {conditional['condition']}")
            self._check_step(variables, conditional["statement"])
        elif declared:
            variables[declared["name"]] = declared["type"]
        elif assigned:
            self.check(f"select {assigned['value']}")
        elif text != "end if":
            self._check_with(variables, text)

    def _check_with(self, variables: Mapping[str, str], text: str) -> None:
        for name, type_ in variables.items():
            text = re.sub(rf"\b{name}\b", f"cast(null as {type_})", text)
        if re.match(r"create or replace temp table", text):
            self.add_created(text)
        else:
            self.check(text)

    def value(self, expression: str) -> Any:
        """The value of an expression, as JSON has it.

        Raises:
            RefusedError: Google's analyzer does not take it, or evaluating it fails.
        """
        try:
            prepared = self._service.prepare(
                sql=f"to_json_string({expression})", options=self._options, registered_catalog_id=self._catalog_id()
            ).prepared.prepared_expression_id
            evaluated = self._service.evaluate(prepared_expression_id=prepared)
            self._service.unprepare(prepared_expression_id=prepared)
        except ServerError as error:
            raise RefusedError(f"{error}\n{expression}") from error
        return json.loads(evaluated.value.string_value)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query, by their columns' names; in the query's order, where it ends in one."""
        rows: list[dict[str, Any]] = self.value(f"array(select as struct * from (\n{query}\n))")
        return rows
