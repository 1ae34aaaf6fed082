"""CASCADE, which drops a view along with what it reads."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule


def _takes_a_view(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind not in ("drop column", "drop table") or not action.has("cascade"):
        return False
    made = {each.action.name for each in candidate.later if each.action.kind.endswith(" view")}
    reads = candidate.history.schema.reads
    return any(action.table in read and view not in made for view, read in reads.items())


RULE = Rule(
    name="dropping-dependents",
    reason=(
        "CASCADE drops what depends on this without naming it: a view that reads it is gone, and so"
        " is whatever uses that view."
    ),
    safe="first drop the view by its name, or create it again without the column.",
    example=Example(
        unsafe="""
phase = "contract"
op.execute("CREATE VIEW nicks AS SELECT nick FROM users")
op.execute("ALTER TABLE users DROP COLUMN nick CASCADE")
""",
        safe="""
phase = "contract"
op.execute("ALTER TABLE users DROP COLUMN nick")
""",
    ),
    action=_takes_a_view,
)
