"""The pieces that revisions are made of, and the phases that they belong to."""

from dataclasses import dataclass, field

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops

EXPAND, ONLINE, CONTRACT = PHASES = ("expand", "online", "contract")

# The order within a revision; what runs outside the transaction has to come first.
FIRST, FILL, INDEX, CONSTRAINT, PLAIN = range(5)


@dataclass
class Step:
    """Operations that belong together, and those that revert them (in a downgrade, the last step
    comes first)."""

    phase: str
    upgrade: list[MigrateOperation]
    downgrade: list[MigrateOperation] = field(default_factory=list)
    rank: int = PLAIN


class CommentOp(MigrateOperation):
    """A comment between the operations."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.ops: list[MigrateOperation] = []  # so that Alembic finds no difference in it


@renderers.dispatch_for(CommentOp)
def _render(_context: AutogenContext, op: CommentOp) -> list[str]:
    return [f"# {line}" for line in op.lines]


def plain(op: MigrateOperation, phase: str = EXPAND) -> Step:
    """Return an operation as Alembic has it."""
    return Step(phase, [op], [op.reverse()])


def sql(*statements: str) -> list[ops.ExecuteSQLOp]:
    """Return statements as operations. op.execute takes ":name" for a parameter, quoted or not."""
    casts = "\0"
    return [
        ops.ExecuteSQLOp(each.replace("::", casts).replace(":", r"\:").replace(casts, "::"))
        for each in statements
    ]
