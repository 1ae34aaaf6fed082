"""A default that old code relies on."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

KINDS = ("drop default", "drop identity", "drop expression")


def _drops(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind not in KINDS:
        return False
    if any(
        (each.action.kind, each.action.table, each.action.name)
        == ("set default", action.table, action.name)
        for each in candidate.later
    ):
        return False
    column = candidate.history.schema.column(action.table, action.name)
    return column is None or column.required


RULE = Rule(
    name="dropping-default",
    reason=(
        "Code that still runs leaves the column out and relies on its value: without it, an INSERT"
        " fails on a NOT NULL column."
    ),
    safe='drop it in a revision with phase = "contract".',
    example=Example(
        unsafe='op.execute("ALTER TABLE users ALTER COLUMN done DROP DEFAULT")',
        safe='op.execute("ALTER TABLE users ALTER COLUMN done SET DEFAULT 51")',
    ),
    action=_drops,
    allowed_in_contract=True,
    covers=frozenset({"noticed-in-expand"}),
)
