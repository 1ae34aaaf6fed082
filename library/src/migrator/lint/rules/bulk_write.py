"""A write to a whole table."""

from migrator.lint.candidate import Candidate
from migrator.lint.observed import Observed
from migrator.lint.rule import Example, Rule

SYSTEM = ("pg_", "information_schema.")


def _writes_all(candidate: Candidate) -> bool:
    action, table = candidate.action, candidate.action.table
    if candidate.kind == "insert":
        read = [name for name in action.refers if not name.startswith(SYSTEM)]
        if not {*read} - candidate.new:
            return False  # constants, or rows of this deploy
        table = read[0]
    elif candidate.kind not in ("update", "delete", "merge", "copy"):
        return False
    if action.has("limited"):
        return False
    return not (action.columns and candidate.history.schema.is_key(table, action.columns))


def _observed(seen: Observed) -> bool:
    # A batch of op.backfill may hold all rows that are there.
    all_rows = not seen.step.place.own and bool(seen.bulk)
    return all_rows or bool(seen.changed & seen.step.scanned)


RULE = Rule(
    name="bulk-write",
    reason=(
        "A write to the whole table in one transaction holds the locks of all rows until it"
        " ends, and leaves as many dead rows behind."
    ),
    safe="op.backfill(...), which works in batches and can be resumed.",
    example=Example(
        unsafe="op.execute(\"UPDATE users SET nick = 'x'\")",
        safe='op.backfill("users", {"nick": sa.text("name")}, key="id")',
    ),
    action=_writes_all,
    observed=_observed,
    locks=True,
    covers=frozenset({"blocks-while-scanning"}),
)
