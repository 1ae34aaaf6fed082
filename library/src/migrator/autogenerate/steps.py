"""The pieces that revisions are made of, and the phases that they belong to."""

from dataclasses import dataclass, field

from alembic.operations import MigrateOperation

from migrator.operations.constraints import AddCheckValidatedOp, AddForeignKeyValidatedOp
from migrator.operations.indexes import CreateIndexConcurrentlyOp, DropIndexConcurrentlyOp
from migrator.operations.uniques import AddUniqueConcurrentlyOp, DropConstraintIfExistsOp

EXPAND, ONLINE, CONTRACT = PHASES = ("expand", "online", "contract")

# What runs outside the revision's transaction.
OUTSIDE = (
    AddCheckValidatedOp,
    AddForeignKeyValidatedOp,
    AddUniqueConcurrentlyOp,
    CreateIndexConcurrentlyOp,
    DropConstraintIfExistsOp,
    DropIndexConcurrentlyOp,
)

# The order within a revision; what runs outside the transaction has to come first.
FIRST, FILL, INDEX, CONSTRAINT, PLAIN = range(5)


@dataclass
class Step:
    """Operations that belong together, and those that take them back (in a revision that is
    taken back, the last step comes first)."""

    phase: str
    upgrade: list[MigrateOperation]
    downgrade: list[MigrateOperation] = field(default_factory=list)
    rank: int = PLAIN


class CommentOp(MigrateOperation):
    """A comment between the operations."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.ops: list[MigrateOperation] = []  # so that Alembic finds no difference in it


def plain(op: MigrateOperation, phase: str = EXPAND) -> Step:
    """Return an operation as Alembic has it."""
    return Step(phase, [op], [op.reverse()])
