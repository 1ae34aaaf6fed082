"""How the operations of migrator.operations stand in a revision."""

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops

from migrator.autogenerate.steps import CommentOp
from migrator.operations import constraints, indexes, uniques
from migrator.operations.backfill import BackfillOp
from migrator.operations.columns import SetNotNullOp

IMPORT = "from migrator.operations import op"
# Each is written as Alembic writes what it is made of, under its own name.
NAMES: dict[type[MigrateOperation], tuple[type[MigrateOperation], str]] = {
    indexes.CreateIndexConcurrentlyOp: (ops.CreateIndexOp, "create_index"),
    uniques.AddUniqueConcurrentlyOp: (
        ops.CreateUniqueConstraintOp,
        "create_unique_constraint",
    ),
    constraints.AddForeignKeyValidatedOp: (ops.CreateForeignKeyOp, "create_foreign_key"),
    constraints.AddCheckValidatedOp: (ops.CreateCheckConstraintOp, "create_check_constraint"),
    uniques.DropConstraintIfExistsOp: (ops.DropConstraintOp, "drop_constraint"),
}
OURS = {
    "create_index": "create_index_concurrently",
    "create_unique_constraint": "add_unique_concurrently",
    "create_foreign_key": "add_foreign_key_validated",
    "create_check_constraint": "add_check_validated",
    "drop_constraint": "drop_constraint_if_exists",
}


def _as_alembic(context: AutogenContext, op: MigrateOperation) -> str:
    context.imports.add(IMPORT)
    base, name = NAMES[type(op)]
    written: Any = renderers.dispatch(base)(context, op)
    text = written if isinstance(written, str) else written[0]
    return text.replace(f"op.{name}(", f"op.{OURS[name]}(", 1).replace(", unique=False", "", 1)


for _kind in NAMES:
    renderers.dispatch_for(_kind)(_as_alembic)


@renderers.dispatch_for(indexes.DropIndexConcurrentlyOp)
def _drop_index(context: AutogenContext, op: indexes.DropIndexConcurrentlyOp) -> str:
    name = f"op.f({str(op.index_name)!r})"
    return _call(context, "drop_index_concurrently", name, repr(op.table_name), schema=op.schema)


@renderers.dispatch_for(SetNotNullOp)
def _set_not_null(context: AutogenContext, op: SetNotNullOp) -> str:
    names = repr(op.table_name), repr(op.column_name)
    return _call(context, "set_not_null", *names, schema=op.schema)


@renderers.dispatch_for(BackfillOp)
def _backfill(context: AutogenContext, op: BackfillOp) -> str:
    values = ", ".join(f"{name!r}: {_value(value)}" for name, value in op.values.items())
    key = (op.key[0] if len(op.key) == 1 else op.key) or None
    shown = "{" + values + "}"
    return _call(context, "backfill", repr(op.table_name), shown, key=key, schema=op.schema)


@renderers.dispatch_for(CommentOp)
def _comment(_context: AutogenContext, op: CommentOp) -> list[str]:
    return [f"# {line}" for line in op.lines]


def _value(value: Any) -> str:
    return f"sa.text({value.text!r})" if isinstance(value, sa.TextClause) else repr(value)


def _call(context: AutogenContext, name: str, *arguments: str, **more: Any) -> str:
    context.imports.add(IMPORT)
    named = [f"{key}={value!r}" for key, value in more.items() if value is not None]
    return f"op.{name}({', '.join([*arguments, *named])})"
