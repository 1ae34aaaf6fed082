"""A copy of a schema in memory, with a row in each table: what can be done there can be done."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op_text
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from migrator import catalog
from migrator.catalog import Schema
from migrator.operations.operation import IMPORT
from migrator.sqlite.sql import quoted

MASTER = """
SELECT type, name, tbl_name, sql FROM sqlite_master
WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_'
  AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, rowid
"""
COLUMNS = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0"
# So that STRICT tables take them; the others take anything.
VALUES = {"TEXT": "'1'", "BLOB": "x'31'", "ANY": "1"}


class Replica:
    """The copy; `context` is that of the run, for the options of the rendering."""

    def __init__(self, connection: sa.Connection, context: MigrationContext) -> None:
        self.connection, self.context = connection, context

    def run(self, operations: Sequence[MigrateOperation]) -> bool:
        """Run operations as a revision will: from the Python that is written."""
        rendering = AutogenContext(self.context, autogenerate=False)
        code = "\n".join(render_op_text(rendering, op) for op in operations)
        options = {"target_metadata": self.context.opts["target_metadata"]}
        own = MigrationContext.configure(self.connection, opts=options)
        names: dict[str, Any] = {"sa": sa}
        for line in rendering.imports - {IMPORT}:
            exec(line, names)
        names["op"] = Operations(own)
        try:
            with warnings.catch_warnings(action="ignore"):  # of what Alembic leaves out
                exec(code, names)
        except Exception:  # whatever Alembic or a type of somebody's raises
            return False
        return True

    def schema(self) -> Schema:
        """Return the catalog."""
        return catalog.read(self.connection)

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Forget in the end what was done."""
        self.connection.exec_driver_sql("SAVEPOINT trying")
        try:
            yield
        finally:
            self.connection.exec_driver_sql("ROLLBACK TO trying")
            self.connection.exec_driver_sql("RELEASE trying")


def statements(connection: sa.Connection) -> Mapping[tuple[str, str], tuple[str, str]]:
    """Return the statements of a schema, with their tables, by kind and name."""
    found = connection.exec_driver_sql(MASTER).all()
    return {(kind, name): (table, sql) for kind, name, table, sql in found}


@contextmanager
def replica(context: MigrationContext) -> Iterator[Replica]:
    """Copy the schema that the context is connected to."""
    assert context.connection is not None
    with sa.create_engine("sqlite://", poolclass=StaticPool).connect() as alone:
        driver: Any = alone.connection.driver_connection
        driver.isolation_level = None
        alone.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        for (kind, name), (_, statement) in statements(context.connection).items():
            # One may need a function, or a kind of virtual table, that is not loaded here.
            with suppress(SQLAlchemyError):
                _do(alone, statement)
                if kind == "table":
                    _insert(alone, name)
        yield Replica(alone, context)


def _insert(connection: sa.Connection, table: str) -> None:
    columns = connection.exec_driver_sql(COLUMNS, (table,)).all()
    names = ", ".join(quoted(name) for name, _ in columns)
    values = ", ".join(VALUES.get(kind.upper(), "1") for _, kind in columns)
    _do(connection, f"INSERT INTO {quoted(table)} ({names}) VALUES ({values})")


def _do(connection: sa.Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
