"""An index or a constraint that is dropped, and then made again under the same name."""

from migrator.lint.rule import Candidate, Example, Rule
from migrator.postgres import sql


def _is_replaced(candidate: Candidate) -> bool:
    gone = sql.drops(candidate.sql)
    if candidate.nested or not gone:
        return False
    # In one transaction there is no moment without it.
    return any(
        gone & sql.makes(each) and (not candidate.in_transaction or sql.runs_alone(each))
        for each in candidate.later
    )


RULE = Rule(
    name="drop-before-replacement",
    reason=(
        "Until the new one is built, and for good if that fails, there is none: rows that it"
        " forbids are accepted, ON CONFLICT fails, and queries read the whole table."
    ),
    safe="op.replace_index(...) or op.replace_constraint(...), which drop the old one last.",
    example=Example(
        unsafe="""
phase = "contract"
op.drop_index_concurrently("ix_users_nick", "users")
op.create_index_concurrently("ix_users_nick", "users", [sa.text("lower(nick)")])
""",
        safe="""
phase = "contract"
op.replace_index("ix_users_nick", "users", "(lower(nick))")
""",
    ),
    statement=_is_replaced,
)
