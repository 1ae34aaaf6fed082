"""`op.rebuild_table`: a table of SQLite, made anew by its statement, with everything that is in it.

SQLite's own procedure for what its ALTER TABLE cannot do
(https://www.sqlite.org/lang_altertable.html#otheralter), in the revision's transaction. Alembic's
batch mode makes the new table from what SQLAlchemy reads of the old one, which is not all.
"""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import DBAPIError

from migrator.errors import MigratorError, UsageError, one_line
from migrator.operations.operation import Operation
from migrator.sqlite.rebuild import ProblemError, Rebuild
from migrator.sqlite.sql import quoted

DIALECT = SQLiteDialect(paramstyle="named")


class RebuildTableOp(Operation):
    """Make a table of SQLite anew by its CREATE TABLE statement, and copy its rows.

    Its indexes and triggers are made again as they are; drop those before that do not fit the new
    table. Views and other tables' foreign keys refer to the new table.

    Args:
        create_table: the whole statement.
        values: by column, what rows get that have no value in it: a Python value, or SQL in
            `sa.text()`, in which the old columns can be used. None is "not decided yet": an empty
            table is fine, rows stop the migration.
        drop: columns that may go, with their values.
        lose: columns whose values may change with their types.

    Raises:
        MigratorError: a value is not decided; or a column, rows, values, an index or a trigger
            would be lost, or a foreign key violated. Then nothing has changed.
        UsageError: it is not SQLite, or foreign keys are enforced on the connection.
    """

    renders_as = "rebuild_table"
    transactional = True

    def __init__(
        self,
        table_name: str,
        create_table: str,
        *,
        values: Mapping[str, Any] | None = None,
        drop: Collection[str] = (),
        lose: Collection[str] = (),
    ) -> None:
        self.table_name = table_name
        self.create_table = create_table
        self.values = values or {}
        self.drop, self.lose = list(drop), list(lose)

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.table_name)

    def run(self, operations: Operations) -> None:
        """Rebuild the table."""
        connection = operations.migration_context.connection
        if operations.impl.dialect.name != "sqlite":
            raise UsageError(f"op.rebuild_table({self.table_name!r}) is for SQLite only.")
        if operations.migration_context.as_sql or connection is None:
            raise UsageError(
                f"op.rebuild_table({self.table_name!r}) cannot be written as SQL (--sql): it has to"
                " read which rows, indexes and triggers the table has."
            )
        given = {name: _sql(value) for name, value in self.values.items()}
        try:
            work = Rebuild(connection, self.table_name, self.create_table)
            undecided = [name for name, value in self.values.items() if value is None]
            self._refuse_undecided(work, undecided)
            decided = {name: value for name, value in given.items() if name not in undecided}
            work.run(decided, self.drop, self.lose)
        except ProblemError as problem:
            raise MigratorError(
                f"{self.table_name} cannot be rebuilt: {problem}. Nothing of it was changed."
            ) from problem
        except DBAPIError as error:
            raise MigratorError(
                f"{self.table_name} cannot be rebuilt: {one_line(error)}. Nothing"
                " of it was changed."
            ) from error

    def _refuse_undecided(self, work: Rebuild, undecided: Collection[str]) -> None:
        for name in undecided:
            where = f"{quoted(name)} IS NULL" if name in work.columns else "true"
            if work.scalar(f"SELECT EXISTS (SELECT 1 FROM {work.table} WHERE {where})"):
                raise ProblemError(
                    f"it has rows, and the revision does not say what they get in {name} (write it"
                    " into values= of its op.rebuild_table: a value, or SQL in sa.text)"
                )

    def render(self, context: AutogenContext) -> str:
        """Return the call, with a line for each part of the statement."""
        lines = [repr(line) for line in self.create_table.splitlines(keepends=True)]
        arguments = [repr(self.table_name), "\n    ".join(lines)]
        if self.values:
            shown = ", ".join(f"{name!r}: {_python(value)}" for name, value in self.values.items())
            arguments.append("values={" + shown + "}")
        return self.call(context, *arguments, drop=self.drop or None, lose=self.lose or None)


def _sql(value: Any) -> str:
    expression: Any = value if isinstance(value, sa.ClauseElement) else sa.literal(value)
    return str(expression.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))


def _python(value: Any) -> str:
    return f"sa.text({value.text!r})" if isinstance(value, sa.TextClause) else repr(value)
