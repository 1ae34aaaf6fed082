"""A write to a whole table."""

from itertools import islice

from migrator.lint.candidate import Candidate
from migrator.lint.observed import Observed
from migrator.lint.rule import Example, Rule
from migrator.lint.statements import read
from migrator.lint.statements.rows import WRITES
from migrator.postgres import sql
from migrator.trace.row_totals import LOAD

MANY = 10  # batches that are no longer a few
SYSTEM = ("pg_", "information_schema.")


def _writes_all(candidate: Candidate) -> bool:
    action, table = candidate.action, candidate.action.table
    if candidate.rows_before < LOAD <= candidate.rows_before + candidate.rows:
        return True  # constants, but very many
    if candidate.kind == "insert":
        sources = [name for name in action.refers if not name.startswith(SYSTEM)]
        if not {*sources} - candidate.new and not action.has("wide"):
            return False  # constants, or rows of this deploy
        table = next(iter(sources), "")
    elif candidate.kind not in ("update", "delete", "merge", "copy"):
        return False
    if action.has("limited", "range") and _is_one_of_many(candidate):
        return True
    if action.has("limited") and not candidate.repeated:
        return False
    return not (action.columns and candidate.history.schema.is_key(table, action.columns))


def _is_one_of_many(candidate: Candidate) -> bool:
    """Return whether it is a batch, and others like it come before it in one transaction."""
    alike = (
        each
        for each in candidate.earlier
        if each.action == candidate.action and each.transaction == candidate.transaction
    )
    return candidate.in_transaction and len(list(islice(alike, MANY))) == MANY


def _observed(seen: Observed) -> bool:
    # A batch may hold all rows that are there.
    if seen.step.committed and not seen.step.place.own and _is_batch(seen.step.sql):
        return False
    all_rows = not seen.step.place.own and bool(seen.bulk)
    return all_rows or bool(seen.changed & seen.step.scanned)


def _is_batch(text: str) -> bool:
    """Return whether each write in a statement has a limit."""
    found = [each for each in read(sql.numbered(text)).actions if each.kind in WRITES]
    return bool(found) and all(each.has("limited") for each in found)


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
