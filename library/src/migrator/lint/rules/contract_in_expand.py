"""A step that breaks old code, in a revision that runs before the new code."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule
from migrator.revisions.phase_and_transaction import EXPAND

GONE = (
    *("drop table", "drop column"),
    *("rename table", "rename schema", "rename column", "rename value"),
)


def _breaks(candidate: Candidate) -> bool:
    if candidate.phase != EXPAND:
        return False
    if candidate.kind == "set not null":
        return candidate.change.sure and not candidate.change.is_required_and_filled(
            candidate.action
        )
    schema = candidate.kind == "drop schema" and candidate.action.has("cascade")
    return schema or (candidate.kind in GONE and not candidate.is_read_by_old_name())


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
    action=_breaks,
)
