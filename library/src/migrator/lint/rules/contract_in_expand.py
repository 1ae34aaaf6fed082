"""A step that breaks old code, in a revision that runs before the new code."""

from migrator.lint.rule import Example, Rule
from migrator.revisions.attributes import EXPAND

RULE = Rule(
    name="contract-in-expand",
    reason="An expand revision runs before the new code, and this step breaks the old code.",
    safe='move it to a revision of its own with phase = "contract".',
    example=Example(
        unsafe="""
phase = "expand"
op.drop_column("users", "nick")
""",
        safe="""
phase = "contract"
op.drop_column("users", "nick")
""",
    ),
    statement=lambda candidate: (
        candidate.phase == EXPAND and candidate.columns.breaks(candidate.sql)
    ),
)
