"""What answers `sa.inspect(op.get_bind())` while a revision is rendered: the known schema."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.inspection import _inspects

from migrator.lint import offline
from migrator.lint.known_schema import Constraint, Schema, Table
from migrator.lint.offline import NeedsDatabase
from migrator.lint.statements.nodes import PUBLIC

NAMES = "the revision asks for more than the names that the history tells"


class Connection(offline.Connection):
    """What `op.get_bind()` returns, which can be inspected.

    `known` returns the schema that the next statement meets, None if nobody knows it.
    """

    def __init__(
        self,
        dialect: sa.Dialect,
        note: Callable[[str, int], None],
        known: Callable[[], Schema | None],
    ) -> None:
        super().__init__(dialect, note)
        self.known = known


class Facts(dict[str, Any]):
    """What is known of a column, a constraint or an index; more needs the database."""

    def __missing__(self, key: str) -> Any:
        raise NeedsDatabase(NAMES)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a fact, never a default: that it is not known does not mean that it is not so."""
        return self[key]


class Inspector:
    """Answers as SQLAlchemy's inspector does, or raises `NeedsDatabase`.

    Args:
        known: returns the schema that the next statement meets, None if nobody knows it.
    """

    def __init__(self, dialect: sa.Dialect, known: Callable[[], Schema | None]) -> None:
        self.dialect = dialect
        self._known = known

    def __getattr__(self, name: str) -> Any:
        raise NeedsDatabase(NAMES)

    def get_table_names(self, schema: str | None = None, **_options: Any) -> list[str]:
        """Return the tables of a schema."""
        found = self._met()
        if not found.whole:
            raise NeedsDatabase(NAMES)
        views = {*found.views, *found.materialized}
        names = (each.rpartition(".") for each in found.tables if each not in views)
        return [name for space, _, name in names if (space or PUBLIC) == (schema or PUBLIC)]

    def has_table(self, table_name: str, schema: str | None = None, **_options: Any) -> bool:
        """Return whether there is a table or a view of this name."""
        found, name = self._met(), _key(table_name, schema)
        if not found.has_no_table(name) and name not in found.views:
            return bool(self._table(table_name, schema))
        return name in found.views

    def get_columns(
        self, table_name: str, schema: str | None = None, **_options: Any
    ) -> list[Facts]:
        """Return the names of the columns of a table, and which are NOT NULL."""
        columns = self._table(table_name, schema).columns
        return [Facts(name=key, nullable=not each.required) for key, each in columns.items()]

    def get_indexes(
        self, table_name: str, schema: str | None = None, **_options: Any
    ) -> list[Facts]:
        """Return the indexes of a table, also those of its UNIQUE constraints."""
        table = self._table(table_name, schema)
        rules = {key: each for key, each in table.constraints.items() if each.kind == "unique"}
        return [
            Facts(name=key, unique=each.unique, **_columns("column_names", each))
            for key, each in (table.indexes | rules).items()
        ]

    def has_index(
        self, table_name: str, index_name: str, schema: str | None = None, **_options: Any
    ) -> bool:
        """Return whether a table has an index of this name."""
        return index_name in {each["name"] for each in self.get_indexes(table_name, schema)}

    def get_pk_constraint(
        self, table_name: str, schema: str | None = None, **_options: Any
    ) -> Facts:
        """Return the primary key of a table."""
        found = self._constraints(table_name, schema, "primary key", "constrained_columns")
        return found[0] if found else Facts(name=None, constrained_columns=[])

    def get_unique_constraints(
        self, table_name: str, schema: str | None = None, **_options: Any
    ) -> list[Facts]:
        """Return the UNIQUE constraints of a table."""
        return self._constraints(table_name, schema, "unique", "column_names")

    def get_foreign_keys(
        self, table_name: str, schema: str | None = None, **_options: Any
    ) -> list[Facts]:
        """Return the foreign keys of a table."""
        return self._constraints(table_name, schema, "foreign key", "constrained_columns")

    def get_check_constraints(
        self, table_name: str, schema: str | None = None, **_options: Any
    ) -> list[Facts]:
        """Return the CHECK constraints of a table."""
        return self._constraints(table_name, schema, "check", "columns")

    def reflect_table(self, table: sa.Table, *_filters: Any, **_options: Any) -> None:
        """Give a table its columns, whose types nobody needs in SQL."""
        found = self._table(table.name, table.schema)
        keys = {
            name
            for each in found.constraints.values()
            if each.kind == "primary key"
            for name in each.columns
        }
        for name in found.columns:
            if name not in table.c:
                table.append_column(sa.Column(name, primary_key=name in keys))

    def _get_reflection_info(self, **_options: Any) -> None:
        """Return what SQLAlchemy reads of many tables at once: nothing."""

    @contextmanager
    def _inspection_context(self) -> Iterator["Inspector"]:
        yield self

    def _met(self) -> Schema:
        found = self._known()
        if found is None or not found.sure:
            raise NeedsDatabase("the revision reads from the database")
        return found

    def _table(self, name: str, schema: str | None) -> Table:
        found, key = self._met(), _key(name, schema)
        if found.has_no_table(key):
            raise NoSuchTableError(name)
        table = found.tables.get(key)
        if table is None or not table.created or any(" " in each for each in table.constraints):
            raise NeedsDatabase(NAMES)  # of a copy the names are not known
        return table

    def _constraints(self, name: str, schema: str | None, kind: str, columns: str) -> list[Facts]:
        found = self._table(name, schema).constraints.items()
        return [
            Facts(name=key, **_columns(columns, each)) for key, each in found if each.kind == kind
        ]


def _key(name: str, schema: str | None) -> str:
    return name if schema in (None, PUBLIC) else f"{schema}.{name}"


def _columns(key: str, constraint: Constraint) -> dict[str, list[str]]:
    return {key: [*constraint.columns]} if constraint.kind != "index" or constraint.whole else {}


@_inspects(Connection)
def _inspect(connection: Connection) -> Inspector:
    return Inspector(connection.dialect, connection.known)


_inspects(Inspector)(lambda inspector: inspector)
