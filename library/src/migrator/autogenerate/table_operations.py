"""Operations that create a table with all that belongs to it, or drop it so that it comes back."""

from typing import Any, Self

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import MigrateOperation, ops

from migrator.autogenerate import table_definition


class CreateWholeTableOp(ops.CreateTableOp):
    """CREATE TABLE and `more`; or only `more`, which has the table, too."""

    only_more = False
    word = "TABLE"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.more: list[MigrateOperation] = []

    @classmethod
    def of(cls, op: ops.CreateTableOp) -> Self:
        """Return the same operation, to be completed."""
        made = cls(op.table_name, op.columns)
        made.__dict__.update(op.__dict__)
        return made

    def reverse(self) -> Any:
        """Return what drops it, with what belongs to it."""
        if self.word != "TABLE":
            return DropViewOp(self.table_name, self.word, schema=self.schema)
        return super().reverse()


class DropViewOp(ops.DropTableOp):
    """DROP VIEW, or DROP MATERIALIZED VIEW."""

    def __init__(self, name: str, word: str, *, schema: str | None) -> None:
        super().__init__(name, schema=schema)
        self.word = word


@renderers.dispatch_for(DropViewOp)
def _render_drop(_context: AutogenContext, op: DropViewOp) -> str:
    name = table_definition.full(*filter(None, (op.schema, op.table_name)))
    return f"op.execute({f'DROP {op.word} {name}'!r})"


class DropWholeTableOp(ops.DropTableOp):
    """DROP TABLE, which is reverted by `back`."""

    def __init__(self, op: ops.DropTableOp, back: CreateWholeTableOp) -> None:
        super().__init__(op.table_name)
        self.__dict__.update(op.__dict__)
        self.back = back

    def reverse(self) -> CreateWholeTableOp:
        """Return what creates it as it was."""
        return self.back


@renderers.dispatch_for(CreateWholeTableOp)
def _render(context: AutogenContext, op: CreateWholeTableOp) -> list[str]:
    create = renderers.dispatch(ops.CreateTableOp)  # a class will do
    lines = [] if op.only_more else [str(create(context, op))]
    return [*lines, *(line for each in op.more for line in render_op(context, each))]
