"""A step that old code may violate or miss, in a revision that runs before the new code."""

from migrator.lint.rule import Example, Rule
from migrator.revisions.attributes import EXPAND

RULE = Rule(
    name="noticed-in-expand",
    reason=(
        "An expand revision runs before the new code, and code that still runs may violate the new"
        " constraint, or need the index, constraint, default, view or function that is dropped."
    ),
    safe='move it to a revision of its own with phase = "contract".',
    example=Example(
        unsafe="""
phase = "expand"
op.execute("ALTER TABLE users ALTER COLUMN name DROP DEFAULT")
""",
        safe="""
phase = "contract"
op.execute("ALTER TABLE users ALTER COLUMN name DROP DEFAULT")
""",
    ),
    statement=lambda candidate: (
        candidate.phase == EXPAND
        and candidate.columns.is_noticed(candidate.sql, candidate.later, nested=candidate.nested)
    ),
    undecided_at_deploy=True,
)
