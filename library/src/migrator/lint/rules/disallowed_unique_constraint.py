"""A unique constraint whose index is built while the table is locked."""

from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="disallowed-unique-constraint",
    reason=(
        "A unique constraint builds its index while the table is locked against reads and writes."
    ),
    safe="op.add_unique_concurrently(...): the index is built concurrently and then used.",
    example=Example(
        unsafe='op.create_unique_constraint("uq", "users", ["code"])',
        safe='op.add_unique_concurrently("uq", "users", ["code"])',
    ),
    action=lambda candidate: (
        candidate.action.adds("unique") and not candidate.action.has("using index")
    ),
    locks=True,
    dismiss=harmless,
    covers=frozenset({"constraint-missing-not-valid"}),
)
