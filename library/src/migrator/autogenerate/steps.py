"""The pieces that revisions are made of, with the attributes of the revision they belong to."""

from dataclasses import dataclass, field

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops

from migrator.revisions.phase_and_transaction import EXPAND

# The order within a revision; what runs outside the transaction has to come first.
# A generated column comes after the types of the columns that it is made of; before and after those
# types, what holds the columns is dropped and made again.
FIRST, FILL, INDEX, CONSTRAINT, BEFORE, PLAIN, AFTER, GENERATED = range(8)


@dataclass
class Step:
    """Operations that belong together, and those that revert them (in a downgrade, the last step
    comes first).

    Attributes:
        phase: when it is deployed.
        transactional: it is rolled back with the others of its revision. If not, it looks at the
            catalog first, so that it may be run again.
        rank: its place in the revision.
        retypes: the column that it gives another type, as SQL writes it.
    """

    phase: str
    upgrade: list[MigrateOperation]
    downgrade: list[MigrateOperation] = field(default_factory=list)
    rank: int = PLAIN
    transactional: bool = True
    retypes: str = ""


class CommentOp(MigrateOperation):
    """A comment between the operations."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.ops: list[MigrateOperation] = []  # so that Alembic finds no difference in it


@renderers.dispatch_for(CommentOp)
def _render(_context: AutogenContext, op: CommentOp) -> list[str]:
    return [f"# {line}" for line in op.lines]


def plain(op: MigrateOperation, phase: str = EXPAND, rank: int = PLAIN) -> Step:
    """Return an operation as Alembic has it."""
    return Step(phase, [op], [op.reverse()], rank)


def outside(phase: str, op: MigrateOperation, *, rank: int) -> Step:
    """Return an operation that runs outside the transaction, and the one that reverts it."""
    return Step(phase, [op], [op.reverse()], rank, transactional=False)


def sql(*statements: str) -> list[ops.ExecuteSQLOp]:
    """Return statements as operations. op.execute takes ":name" for a parameter, quoted or not."""
    casts = "\0"
    return [
        ops.ExecuteSQLOp(each.replace("::", casts).replace(":", r"\:").replace(casts, "::"))
        for each in statements
    ]
