"""A column that a view reads, which gets another type or is dropped."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

KINDS = ("set type", "drop column")


def _is_refused(candidate: Candidate) -> bool:
    action = candidate.action
    is_kind = candidate.kind in KINDS and not action.has("cascade")
    return is_kind and candidate.history.schema.is_in_view(action.table, action.name)


RULE = Rule(
    name="column-of-view",
    reason=(
        "PostgreSQL changes neither the type of a column that a view reads nor drops it: the"
        " revision fails."
    ),
    safe="drop the view, change the column and create the view again, in one transaction.",
    example=Example(
        unsafe="""
phase = "contract"
op.execute("CREATE VIEW nicks AS SELECT nick FROM users")
op.execute("ALTER TABLE users DROP COLUMN nick")
""",
        safe="""
phase = "contract"
op.execute("CREATE VIEW nicks AS SELECT name FROM users")
op.execute("ALTER TABLE users DROP COLUMN nick")
""",
    ),
    action=_is_refused,
    locks=True,
    announces=frozenset({"fails"}),
)
