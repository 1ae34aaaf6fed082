"""`op.drop_index_concurrently`: an index that is dropped without waiting for its table."""

from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops
from sqlalchemy import Index

from migrator.operations import index_build, names, partitions
from migrator.operations.create_index_concurrently import CreateIndexConcurrentlyOp
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class DropIndexConcurrentlyOp(Operation, ops.DropIndexOp):
    """Drop an index, if it is there, without making others wait, outside the transaction.

    Args:
        plain: drop it in the revision's transaction instead; SQLite always does.
    """

    renders_as = "drop_index_concurrently"
    transactional = False

    def __init__(
        self,
        index_name: str,
        table_name: str,
        *,
        schema: str | None = None,
        plain: bool = False,
    ) -> None:
        super().__init__(index_name, table_name, schema=schema)
        self.plain = plain

    @classmethod
    def from_index(cls, index: Index) -> "DropIndexConcurrentlyOp":
        """Return the operation that drops an index."""
        drop = ops.DropIndexOp.from_index(index)
        own = cls(drop.index_name, str(drop.table_name), schema=drop.schema)
        own._reverse, own.kw = drop._reverse, drop.kw
        return own

    def reverse(self) -> Any:
        """Return the operation that reverts it."""
        return self.back or CreateIndexConcurrentlyOp.from_index(self.to_index())

    def run_in_steps(self, session: Session) -> None:
        """Drop it; that of a partitioned table takes a lock for a moment."""
        name = _full(self.to_index(session.context))
        if partitions.has_parts(session, name):
            # PostgreSQL cannot do it otherwise: a brief lock on the table and all of its parts.
            session.run(f"DROP INDEX IF EXISTS {name}")
        else:
            index_build.drop(session, name)

    def run_plain(self, operations: Operations) -> None:
        """Drop it in one statement."""
        index = self.to_index(operations.migration_context)
        operations.impl.drop_index(index, if_exists=True)

    def render(self, context: AutogenContext) -> str:
        """Return the call, without what only the reverse needs."""
        name = f"op.f({str(self.index_name)!r})"
        return self.call(
            context, name, repr(self.table_name), schema=self.schema, plain=self.plain or None
        )


def _full(index: Index) -> str:
    assert index.table is not None
    return names.quoted(names.final_name(index), index.table.schema)
