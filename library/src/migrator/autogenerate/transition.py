"""The operations that make one column of another: the same ones in both directions."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops

from migrator.autogenerate.column_comparison import Change, Side
from migrator.operations import names
from migrator.operations.replace_column import ReplaceColumnOp
from migrator.operations.set_identity import SetIdentityOp
from migrator.operations.set_serial import SetSerialOp


class ChangeTypeOp(ops.AlterColumnOp):
    """`op.alter_column` with the argument that Alembic does not write: `postgresql_using`."""


@renderers.dispatch_for(ChangeTypeOp)
def _render(context: AutogenContext, op: ChangeTypeOp) -> str:
    written: Any = renderers.dispatch(ops.AlterColumnOp)(context, op)
    if using := op.kw.get("postgresql_using"):
        return f"{written[:-1]},\n           postgresql_using={using!r})"
    return str(written)


def operations(
    table: str, schema: str | None, change: Change, using: str | None, *, tighten: bool = True
) -> list[MigrateOperation]:
    """Return the operations in the order in which PostgreSQL takes them.

    Args:
        using: what the values become when the type changes, in SQL.
        tighten: set NOT NULL, too, where the column becomes it.
    """
    if is_replaced(change):
        column = change.after.column._copy()
        return [ReplaceColumnOp(table, column, schema=schema)]
    return list(_Transition(table, schema, change, using).operations(tighten=tighten))


def is_replaced(change: Change) -> bool:
    """Whether the column is dropped and added again, since its values are derived anew."""
    old, new = change.before.state, change.after.state
    if new.generated is None:
        return old.generated is not None and not old.stored
    if (old.generated, old.stored) != (new.generated, new.stored):
        return True
    return change.retypes and change.is_derived_anew


class _Transition:
    def __init__(self, table: str, schema: str | None, change: Change, using: str | None) -> None:
        self.table, self.schema, self.using = table, schema, using
        self.before, self.after = change.before, change.after
        self.retypes = change.retypes
        self.name = str(change.after.column.name)

    def operations(self, *, tighten: bool) -> Iterator[MigrateOperation]:
        old, new = self.before.state, self.after.state
        if old.generated and not new.generated:
            yield self._sql("DROP EXPRESSION")
        if old.numbering and not new.numbering:
            yield from self._unnumbered()
        redefined = old.default != new.default
        # The old default may not fit the new type, or depend on the old one.
        if old.default and redefined and (self.retypes or not new.default):
            yield self._alter(modify_server_default=None)
        if self.retypes:
            using = {"postgresql_using": self.using} if self.using else {}
            yield self._alter(modify_type=_type(self.after), **using)
        if old.not_null and not new.not_null:
            yield self._alter(modify_nullable=True)
        if tighten and new.not_null and not old.not_null:
            yield self._alter(modify_nullable=False)
        yield from self._numbered()
        if new.default and redefined:
            yield self._alter(modify_server_default=self.after.default)
        if new.comment != old.comment:
            yield self._alter(modify_comment=new.comment, existing_comment=old.comment)

    def _unnumbered(self) -> Iterator[MigrateOperation]:
        numbering = self.before.state.numbering
        assert numbering is not None
        if numbering.is_serial:
            yield self._alter(modify_server_default=None)
            yield execute(f"DROP SEQUENCE {names.quoted(numbering.sequence, self.schema)}")
        else:
            yield self._sql("DROP IDENTITY")

    def _numbered(self) -> Iterator[MigrateOperation]:
        old, new = self.before.state.numbering, self.after.state.numbering
        if new is None or old == new:
            return
        same = old is not None and (old.kind, old.sequence, old.options) == (
            new.kind,
            new.sequence,
            new.options,
        )
        if same and not new.is_serial:
            return  # PostgreSQL gives the sequence of an identity the type of the column
        if same:
            sequence = names.quoted(new.sequence, self.schema)
            yield execute(f"ALTER SEQUENCE {sequence} AS {new.type}")
        elif new.is_serial:
            serial = {"sequence": new.sequence, "kind": new.type, "schema": self.schema}
            yield SetSerialOp(self.table, self.name, **serial)  # type: ignore[arg-type]
        else:
            always, options = new.kind == "always", vars(new.options)
            yield SetIdentityOp(self.table, self.name, always=always, schema=self.schema, **options)

    def _alter(self, **changed: Any) -> ChangeTypeOp:
        typed = self.before if "modify_type" in changed or not self.retypes else self.after
        if changed.get("modify_server_default", False) is None:
            typed = self.before
        if "modify_type" not in changed:
            changed = {"existing_type": _type(typed), **changed}
        else:
            changed = {"existing_type": _type(self.before), **changed}
        return ChangeTypeOp(self.table, self.name, schema=self.schema, **changed)

    def _sql(self, action: str) -> ops.ExecuteSQLOp:
        table, column = names.quoted(self.table, self.schema), names.column(self.name)
        return execute(f"ALTER TABLE {table} ALTER COLUMN {column} {action}")


def execute(statement: str) -> ops.ExecuteSQLOp:
    """Return an operation for SQL; `op.execute` takes ":name" for a parameter."""
    return ops.ExecuteSQLOp(statement.replace(":", r"\:"))


def _type(side: Side) -> sa.types.TypeEngine[Any]:
    """Return the type without its CHECK constraint, which Alembic would add or drop as well."""
    kind = side.column.type
    if getattr(kind, "create_constraint", False):
        kind = kind.copy()
        vars(kind)["create_constraint"] = False
    return kind
