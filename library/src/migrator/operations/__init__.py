"""Operations for revisions that change tables which are in use.

Ordinary Alembic operations: `from migrator.operations import op` is Alembic's own `op` with these
added. On PostgreSQL each runs outside the revision's transaction, looks at the catalog before it
acts, and does only what is missing, so a revision of them that was cut off is simply run again
(`transactional = False`). Under `--sql` they write SQL that looks by itself. On SQLite they are the
plain operations that they stand for; `rebuild_table` is for SQLite only.

One file each, found by its being here. The others are what they share:

operation      the base class, which registers, runs and renders them
session        how statements run: outside the transaction, or into the SQL of `--sql`
names          names as SQL writes them, and as PostgreSQL has them in the end
conditions     what they ask the catalog
numbering      what numbers the rows of a table, replaced
raw_type       a column type as SQL
index_build    one index of one table
partitions     indexes of partitioned tables
dependents     what depends on columns, dropped and made again
definitions    definitions of indexes and constraints in the catalog
references     foreign keys to a key that is replaced
swap           a replacement under a temporary name, and the moment at which it takes the name
validation     constraints that are added NOT VALID, then validated
batches        the SQL of a backfill, batch_loop its loop, replica_lag its brake
"""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ParamSpec

from alembic import op as alembic_op
from alembic.operations import Operations

from migrator.operations.raw_type import RawType

__all__ = ["RawType", "op"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

if TYPE_CHECKING:
    from migrator.operations.add_check_validated import AddCheckValidatedOp
    from migrator.operations.add_foreign_key_validated import AddForeignKeyValidatedOp
    from migrator.operations.add_unique_concurrently import AddUniqueConcurrentlyOp
    from migrator.operations.backfill import BackfillOp
    from migrator.operations.create_index_concurrently import CreateIndexConcurrentlyOp
    from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
    from migrator.operations.drop_dependents import DropDependentsOp
    from migrator.operations.drop_index_concurrently import DropIndexConcurrentlyOp
    from migrator.operations.operation import Operation
    from migrator.operations.rebuild_table import RebuildTableOp
    from migrator.operations.replace_column import ReplaceColumnOp
    from migrator.operations.replace_constraint import ReplaceConstraintOp
    from migrator.operations.replace_index import ReplaceIndexOp
    from migrator.operations.restore_dependents import RestoreDependentsOp
    from migrator.operations.set_identity import SetIdentityOp
    from migrator.operations.set_not_null import SetNotNullOp
    from migrator.operations.set_serial import SetSerialOp
    from migrator.operations.validate_constraint import ValidateConstraintOp

    P = ParamSpec("P")

    def _method(operation: Callable[P, Operation]) -> Callable[P, None]:
        raise NotImplementedError

    class LockSafeOperations(Operations):
        """What `op` is to a type checker: Alembic adds its operations while the program runs."""

        def __init__(self) -> None:
            self.add_check_validated = _method(AddCheckValidatedOp)
            self.add_foreign_key_validated = _method(AddForeignKeyValidatedOp)
            self.add_unique_concurrently = _method(AddUniqueConcurrentlyOp)
            self.backfill = _method(BackfillOp)
            self.create_index_concurrently = _method(CreateIndexConcurrentlyOp)
            self.drop_constraint_if_exists = _method(DropConstraintIfExistsOp)
            self.drop_dependents = _method(DropDependentsOp)
            self.drop_index_concurrently = _method(DropIndexConcurrentlyOp)
            self.rebuild_table = _method(RebuildTableOp)
            self.replace_column = _method(ReplaceColumnOp)
            self.replace_constraint = _method(ReplaceConstraintOp)
            self.replace_index = _method(ReplaceIndexOp)
            self.restore_dependents = _method(RestoreDependentsOp)
            self.set_identity = _method(SetIdentityOp)
            self.set_not_null = _method(SetNotNullOp)
            self.set_serial = _method(SetSerialOp)
            self.validate_constraint = _method(ValidateConstraintOp)

    op: LockSafeOperations
else:
    op = alembic_op
