"""Operations for revisions that change tables which are in use.

Ordinary Alembic operations: `from migrator.operations import op` is Alembic's own `op` with these
added. On PostgreSQL each runs outside the revision's transaction, looks at the catalog before it
acts, and does only what is missing, so a revision of them that was cut off is simply run again
(`phase = "online"`). Under `--sql` they write SQL that looks by itself. On SQLite they are the
plain operations that they stand for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from alembic import op as alembic_op
from alembic.operations import Operations

from migrator.operations import backfill, columns, constraints, indexes, uniques

__all__ = ["op"]

if TYPE_CHECKING:
    P = ParamSpec("P")

    def _bound(method: Callable[Concatenate[Operations, P], None]) -> Callable[P, None]:
        raise NotImplementedError

    class LockSafeOperations(Operations):
        """What `op` is to a type checker: Alembic adds its operations while the program runs."""

        def __init__(self) -> None:
            self.create_index_concurrently = _bound(
                indexes.CreateIndexConcurrentlyOp.create_index_concurrently
            )
            self.drop_index_concurrently = _bound(
                indexes.DropIndexConcurrentlyOp.drop_index_concurrently
            )
            self.add_foreign_key_validated = _bound(
                constraints.AddForeignKeyValidatedOp.add_foreign_key_validated
            )
            self.add_check_validated = _bound(constraints.AddCheckValidatedOp.add_check_validated)
            self.add_unique_concurrently = _bound(
                uniques.AddUniqueConcurrentlyOp.add_unique_concurrently
            )
            self.drop_constraint_if_exists = _bound(
                uniques.DropConstraintIfExistsOp.drop_constraint_if_exists
            )
            self.set_not_null = _bound(columns.SetNotNullOp.set_not_null)
            self.backfill = _bound(backfill.BackfillOp.backfill)

    op: LockSafeOperations
else:
    op = alembic_op
