"""Another place or form for the rows of a table."""

from migrator.lint.candidate import Candidate
from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule

KINDS = (
    *("set logged", "set unlogged", "set access method", "set tablespace"),
    "set expression",
)


def _rewrites(candidate: Candidate) -> bool:
    if candidate.kind == "add column":
        kind = candidate.action.type
        return kind is not None and kind.name in candidate.history.schema.checked
    return candidate.kind in KINDS


RULE = Rule(
    name="rewriting-table",
    reason=(
        "Another tablespace, access method or kind of logging, another expression of a generated"
        " column, and a new column whose domain has a check, rewrite the table while it is locked"
        " against reads and writes."
    ),
    safe="a new table beside it, into which op.backfill(...) copies, then switch over.",
    example=Example(
        unsafe='op.execute("ALTER TABLE leftovers SET UNLOGGED")',
        safe='op.execute("ALTER TABLE leftovers SET (fillfactor = 70)")',
    ),
    action=_rewrites,
    locks=True,
    dismiss=harmless,
    covers=frozenset({"blocks-while-rewriting"}),
)
