"""`op.set_identity`: an identity column that goes on where the column is."""

from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations

from migrator.errors import UsageError
from migrator.operations import names, numbering
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class SetIdentityOp(Operation):
    """Make a column an identity column, or one with other options.

    What has numbered the rows before goes: a default, a sequence that the column owns, another
    identity. The new sequence goes on after that one and after the highest value. The column has
    to be NOT NULL.

    Args:
        always: GENERATED ALWAYS, which refuses values in an INSERT; else BY DEFAULT.
        start: the first value in an empty table; this and the others as in CREATE SEQUENCE.
    """

    renders_as = "set_identity"
    transactional = True

    def __init__(
        self,
        table_name: str,
        column_name: str,
        *,
        always: bool = False,
        start: int | None = None,
        increment: int | None = None,
        minvalue: int | None = None,
        maxvalue: int | None = None,
        cycle: bool = False,
        cache: int | None = None,
        schema: str | None = None,
    ) -> None:
        self.table_name = table_name
        self.column_name = column_name
        self.always = always
        self.options = numbering.Options(start, increment, minvalue, maxvalue, cycle, cache)
        self.schema = schema

    def to_diff_tuple(self) -> tuple[str, str | None, str, str]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.schema, self.table_name, self.column_name)

    def run_in_steps(self, session: Session) -> None:
        """Replace what is there."""
        target = names.quoted(self.table_name, self.schema)
        kind = "ALWAYS" if self.always else "BY DEFAULT"
        options = self.options.sql()
        made = (
            f"ALTER TABLE {target} ALTER COLUMN {names.column(self.column_name)}"
            f" ADD GENERATED {kind} AS IDENTITY{f' ({options})' if options else ''};"
        )
        numbering.replace(session, target, self.column_name, self.options, made)

    def run_plain(self, operations: Operations) -> None:
        """Refuse: other databases have no such columns.

        Raises:
            UsageError: always.
        """
        dialect = operations.impl.dialect.name
        raise UsageError(f"op.set_identity is for PostgreSQL; this database is {dialect}.")

    def render(self, context: AutogenContext) -> str:
        """Return the call."""
        options: dict[str, Any] = {
            "always": self.always or None,
            **vars(self.options),
            "cycle": self.options.cycle or None,
        }
        names_ = repr(self.table_name), repr(self.column_name)
        return self.call(context, *names_, **options, schema=self.schema)
