"""Operations from the definitions in the catalogs, for what others do not say."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation, ops
from sqlalchemy.sql.elements import conv

from migrator.catalog import Key
from migrator.operations import names
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.drop_index_concurrently import DropIndexConcurrentlyOp
from migrator.operations.replace_constraint import NOT_VALID, ReplaceConstraintOp
from migrator.operations.replace_index import ReplaceIndexOp
from migrator.postgres import sql

Replacement = ReplaceIndexOp | ReplaceConstraintOp
# As Alembic names the types of constraints.
TYPES = {
    "primary key": "primary",
    "unique": "unique",
    "foreign key": "foreignkey",
    "check": "check",
}


@dataclass(frozen=True)
class Definition:
    """An index or a constraint in one of the catalogs.

    Args:
        key: its kind and name.
        properties: as the catalog has them.
        schema: of its table, as Alembic has it: None is the default one.
    """

    key: Key
    properties: Mapping[str, Any]
    schema: str | None

    @property
    def name(self) -> str:
        """Its own name."""
        return self.key.name[-1]

    @property
    def table(self) -> str:
        """The name of its table."""
        return self.key.name[-2]

    @property
    def shown(self) -> str:
        """What it is, in words."""
        kind = self.properties.get("type", "index")
        word = {"check": "CHECK constraint", "unique": "unique constraint"}.get(kind, kind)
        return f"{word} {self.name} on {self.table}"

    def put(self) -> Replacement:
        """Return the operation after which it is there, in place of what has the name."""
        text = self.properties["definition"]
        if self.key.kind == "index":
            text = sql.index_definition(text, self.name, self.table)
            unique = bool(self.properties.get("unique"))
            return ReplaceIndexOp(self.name, self.table, text, unique=unique, schema=self.schema)
        text += NOT_VALID if self.properties.get("not_valid") else ""
        return ReplaceConstraintOp(self.name, self.table, text, schema=self.schema)

    def drop(self) -> MigrateOperation:
        """Return the operation that drops it."""
        if self.key.kind == "index":
            return DropIndexConcurrentlyOp(self.name, self.table, schema=self.schema)
        return DropConstraintIfExistsOp(self.name, self.table, schema=self.schema)


def replace(old: Definition | None, new: Definition) -> Replacement:
    """Return the operation that puts `new` in the place of `old`, and its reverse in it."""
    op = new.put()
    op.back = old.put() if old else new.drop()
    columns = (each.properties.get("columns", ()) for each in (old, new) if each)
    op.columns = frozenset(name for found in columns for name in found)
    return op


class Defined:
    """A drop whose reverse has the definition of the catalog, because SQLAlchemy has not all."""

    back: Replacement

    def reverse(self) -> Any:
        """Return the operation that reverts it, in a transaction."""
        return in_transaction(self.back)

    def to_diff_tuple(self) -> Any:
        """Return what `alembic check` shows."""
        return ("remove", *self.back.to_diff_tuple()[1:])


class DropDefinedIndexOp(Defined, ops.DropIndexOp):
    """Drop an index."""


class DropDefinedConstraintOp(Defined, ops.DropConstraintOp):
    """Drop a constraint."""

    @property
    def is_exclusion(self) -> bool:
        """Whether it is an exclusion constraint."""
        return sql.begins(self.back.definition, "EXCLUDE")


def drop(old: Definition) -> DropDefinedIndexOp | DropDefinedConstraintOp:
    """Return the operation that drops what can only be made again from its definition."""
    op: DropDefinedIndexOp | DropDefinedConstraintOp
    if old.key.kind == "index":
        unique = bool(old.properties.get("unique"))
        op = DropDefinedIndexOp(old.name, old.table, schema=old.schema, unique=unique)
    else:
        kind = TYPES.get(old.properties["type"])
        # No naming convention may change the name.
        op = DropDefinedConstraintOp(conv(old.name), old.table, kind, schema=old.schema)
    op.back = old.put()
    return op


class CommentOnOp(ops.ExecuteSQLOp):
    """Set the comment of a constraint, and the one that it had before in the reverse.

    `new` is whether the constraint is new, too.
    """

    def __init__(self, old: str | None, key: Key, schema: str | None, text: str | None) -> None:
        target = names.quoted(key.name[-2], schema)
        value = names.literal(text) if text else "NULL"
        on = f"CONSTRAINT {names.column(key.name[-1])} ON {target}"
        super().__init__(f"COMMENT ON {on} IS {value}".replace(":", r"\:"))
        self.is_new = old is None
        self.arguments = (text, key, schema, old)

    def reverse(self) -> "CommentOnOp":
        """Return the operation that reverts it."""
        return CommentOnOp(*self.arguments)


def in_transaction(op: Any) -> Any:
    """Return the operation as it runs in the transaction of a revision."""
    if isinstance(op, ops.ModifyTableOps):
        return ops.ModifyTableOps(
            op.table_name, list(map(in_transaction, op.ops)), schema=op.schema
        )
    if isinstance(op, DropConstraintIfExistsOp):
        kind = op.constraint_type
        name = conv(str(op.constraint_name))
        return ops.DropConstraintOp(name, op.table_name, kind, schema=op.schema)
    if isinstance(op, Replacement | DropIndexConcurrentlyOp):
        op = copy(op)
        op.plain, op.back = True, in_transaction(op.back)
    return op
