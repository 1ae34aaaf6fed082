"""The operations for one table, and those that revert them."""

from collections.abc import Sequence

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import MigrateOperation, ops


class Change(ops.ModifyTableOps):
    """Operations that belong together, and what leads back, which is not their reverse."""

    def __init__(
        self, table: str, operations: Sequence[MigrateOperation], back: Sequence[MigrateOperation]
    ) -> None:
        super().__init__(table, operations)
        self.back = back

    def reverse(self) -> "Change":
        """Return what leads back."""
        return Change(self.table_name, self.back, self.ops)


class ColumnGoesOp(ops.DropColumnOp):
    """A column that a rebuilt table does not have: what is asked for by name (`drop=`)."""


class ValuesChangeOp(MigrateOperation):
    """A column whose values a rebuild replaces; `lost` is whether that is asked for (`lose=`).

    `detail` says how many, where that is known.
    """

    def __init__(self, table: str, column: str, *, lost: bool, detail: str = "") -> None:
        self.table_name, self.column_name, self.lost = table, column, lost
        self.detail = detail or "its values will change"
        self.ops: list[MigrateOperation] = []  # so that Alembic finds no difference in it


class StatementOp(ops.ExecuteSQLOp):
    """A statement as it is: `op.execute` takes ":name" for a parameter."""

    def __init__(self, statement: str) -> None:
        super().__init__(statement.replace(":", r"\:"))


@renderers.dispatch_for(Change)
def _render(context: AutogenContext, change: Change) -> list[str]:
    return [line for op in change.ops for line in render_op(context, op)]


@renderers.dispatch_for(ColumnGoesOp)
@renderers.dispatch_for(ValuesChangeOp)
def _render_nothing(_context: AutogenContext, _op: MigrateOperation) -> list[str]:
    return []  # the rebuild says it


@renderers.dispatch_for(StatementOp)
def _render_statement(_context: AutogenContext, op: StatementOp) -> str:
    lines = [repr(line) for line in str(op.sqltext).splitlines(keepends=True)]
    return "op.execute({})".format("\n    ".join(lines))
