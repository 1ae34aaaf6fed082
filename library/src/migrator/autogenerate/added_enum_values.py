"""Values that enum types get."""

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from migrator.autogenerate import definitions
from migrator.autogenerate.steps import sql
from migrator.catalog import Difference


class AddValueOp(ops.ExecuteSQLOp):
    """Adds a value to an enum type in a transaction of its own: before that has ended,
    PostgreSQL does not let the value be used, as a default for example."""


@renderers.dispatch_for(AddValueOp)
def _render_add_value(_context: AutogenContext, op: AddValueOp) -> str:
    # In one line, because Alembic's printer would not end the block; ruff breaks it.
    return f"with op.get_context().autocommit_block(): op.execute({str(op.sqltext)!r})"


def operations(values: Difference, default: str | None) -> list[AddValueOp]:
    """Return what adds the values in the order of the models, each after the one before it.

    Args:
        values: those of one type, in the database and in the models.
        default: the schema that is left out of names.
    """
    existing, wanted = values.before, values.after
    called = definitions.name(values.key, default)
    added = []
    for place, label in enumerate(wanted):
        if label in existing:
            continue
        where = f" BEFORE {definitions.labels(existing[:1])}" if existing else ""
        if place:
            where = f" AFTER {definitions.labels(wanted[place - 1 : place])}"
        # Idempotent, because a downgrade cannot take a value away again.
        value = definitions.labels([label])
        for op in sql(f"ALTER TYPE {called} ADD VALUE IF NOT EXISTS {value}{where}"):
            added.append(AddValueOp(op.sqltext))
    return added
