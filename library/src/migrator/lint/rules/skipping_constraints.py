"""Foreign keys and triggers that are switched off for a while."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule
from migrator.lint.statements.rows import WRITES


def _skips(candidate: Candidate) -> bool:
    action = candidate.action
    replica = action.name == "session_replication_role" and action.value == "replica"
    off = replica if candidate.kind == "set" else action.has("of constraints")
    written = (each.action for each in candidate.later if each.transaction == candidate.transaction)
    return off and any(each.kind in (*WRITES, "copy", "call") for each in written)


RULE = Rule(
    name="skipping-constraints",
    reason=(
        "Foreign keys and triggers are switched off while rows are written: rows that violate them"
        " stay, and nothing ever checks them again."
    ),
    safe="leave the triggers on; write the rows in an order that the foreign keys allow.",
    example=Example(
        unsafe="""
op.execute("SET LOCAL session_replication_role = replica")
op.execute("DELETE FROM teams WHERE id = 1")
""",
        safe="""
op.execute("DELETE FROM teams WHERE id = 1")
""",
    ),
    action=_skips,
)
