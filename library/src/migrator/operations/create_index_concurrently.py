"""`op.create_index_concurrently`: an index that is built while the table is written to."""

from collections.abc import Sequence
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import TextClause
from sqlalchemy.sql.elements import ColumnElement

from migrator.operations import partitions
from migrator.operations.index_build import WantedIndex
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class CreateIndexConcurrentlyOp(Operation, ops.CreateIndexOp):
    """Build an index without blocking writers, outside the transaction.

    What an earlier attempt left INVALID is dropped first; if the index is there, nothing is done.
    That of a partitioned table is built part by part (not under `--sql`, which cannot know).

    Args:
        columns: names, or expressions in `sa.text()`.
        plain: build it in the revision's transaction instead, which blocks writers; SQLite
            always does.
        kw: as for `op.create_index`: postgresql_where, postgresql_using and so on.

    Raises:
        MigratorError: another index has the name, or the rows are not unique. Then there is
            no index.
        LockTimeout: another session is still building it after `lock_deadline`.
    """

    renders_as = "create_index_concurrently"
    transactional = False

    def __init__(
        self,
        index_name: str | None,
        table_name: str,
        columns: Sequence[str | TextClause | ColumnElement[Any]],
        *,
        schema: str | None = None,
        unique: bool = False,
        plain: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(index_name, table_name, columns, schema=schema, unique=unique, **kw)
        self.plain = plain

    def adds(self, context: MigrationContext) -> str:
        """Return the statement that builds it."""
        return WantedIndex.of(self.to_index(context)).statement

    def reverse(self) -> ops.DropIndexOp:
        """Return the operation that reverts it."""
        from migrator.operations.drop_index_concurrently import DropIndexConcurrentlyOp

        return DropIndexConcurrentlyOp.from_index(self.to_index())

    def run_in_steps(self, session: Session) -> None:
        """Build it, part by part if the table is partitioned."""
        partitions.build_index(session, WantedIndex.of(self.to_index(session.context)))

    def run_plain(self, operations: Operations) -> None:
        """Build it in one statement."""
        index = self.to_index(operations.migration_context)
        operations.impl.create_index(index, if_not_exists=True)

    def render(self, context: AutogenContext) -> str:
        """Return the call as Alembic writes it, without the default."""
        return super().render(context).replace(", unique=False", "", 1)
