"""What a revision may do only if it was asked for by name: drops, and rewriting a table."""

from collections.abc import Collection, Iterator

from alembic import context as alembic_context
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import probe
from migrator.errors import RefusedError, UsageError


def ask(
    context: MigrationContext,
    upgrade: ops.UpgradeOps,
    *,
    lock_safe: bool,
    also: Collection[str] = (),
) -> None:
    """Refuse what is dangerous and was not named on the command line.

    Args:
        lock_safe: refuse to rewrite tables, too.
        also: names of other objects that would be dropped.

    Raises:
        RefusedError: with the command that allows it, and the way without it.
        UsageError: something was named that the revision does not do.
    """
    leaves = list(_leaves(upgrade))
    _check("drop", [*(name for op in leaves if (name := _dropped(op))), *also], _DROP)
    rewritten = [op for op in leaves if lock_safe and probe.rewrites_table(context, op)]
    _check("rewrite", [_column(op) for op in rewritten], _REWRITE)


_DROP = """This revision would drop {refused}, and the data in it, because no model describes it \
any more. No revision was written. If the data may go: `make revision m="..." drop={names}` \
(alembic -x drop={names} revision --autogenerate -m "..."). If it was renamed: `make \
empty-revision m="..."` and op.rename_table or op.alter_column, which breaks the code that runs \
with the old name; without downtime: add the new one, op.backfill it, and drop the old one when no \
code uses it. If its model exists: `make tables` shows what was found."""
_REWRITE = """This revision would change {refused}, for which PostgreSQL rewrites the table while \
nobody can read or write it. No revision was written. Without downtime: add a column of the new \
type under another name, let the code write both, op.backfill it, let the code read the new one, \
and drop the old one; a new column that is computed, or of a domain with a CHECK constraint: \
let the code fill a plain one, and put the constraint on the table. If the table is small, or the \
service is down: `make revision m="..." rewrite={names}` (alembic -x rewrite={names} revision \
--autogenerate -m "...")."""


def _check(kind: str, found: Collection[str], refusal: str) -> None:
    arguments = [a.partition("=") for a in alembic_context.get_x_argument()]
    allowed = {n.strip() for key, _, value in arguments if key == kind for n in value.split(",")}
    if unknown := allowed - set(found) - {""}:
        raise UsageError(
            f"{kind}={','.join(sorted(unknown))} names nothing that this revision would {kind}"
            f" (it would {kind}: {', '.join(found) or 'nothing'}). No revision was written."
        )
    if refused := [name for name in found if name not in allowed]:
        raise RefusedError(refusal.format(refused=", ".join(refused), names=",".join(found)))


def _leaves(container: ops.OpContainer) -> Iterator[ops.MigrateOperation]:
    for op in container.ops:
        if isinstance(op, ops.OpContainer):
            yield from _leaves(op)
        else:
            yield op


def _dropped(op: ops.MigrateOperation) -> str:
    if isinstance(op, ops.DropTableOp):
        return _full(op.schema, op.table_name)
    if isinstance(op, ops.DropColumnOp):
        return _full(op.schema, op.table_name, op.column_name)
    return ""


def _column(op: ops.MigrateOperation) -> str:
    assert isinstance(op, ops.AlterColumnOp | ops.AddColumnOp)
    name = op.column_name if isinstance(op, ops.AlterColumnOp) else op.column.name
    return _full(op.schema, op.table_name, name)


def _full(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)
