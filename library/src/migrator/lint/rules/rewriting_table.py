"""Another place or form for the rows of a table."""

from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule

KINDS = (
    *("set logged", "set unlogged", "set access method", "set tablespace"),
    "set expression",
)

RULE = Rule(
    name="rewriting-table",
    reason=(
        "Another tablespace, access method or kind of logging, and another expression of a"
        " generated column, rewrite the table while it is locked against reads and writes."
    ),
    safe="a new table beside it, into which op.backfill(...) copies, then switch over.",
    example=Example(
        unsafe='op.execute("ALTER TABLE leftovers SET UNLOGGED")',
        safe='op.execute("ALTER TABLE leftovers SET (fillfactor = 70)")',
    ),
    action=lambda candidate: candidate.kind in KINDS,
    locks=True,
    dismiss=harmless,
    covers=frozenset({"blocks-while-rewriting"}),
)
