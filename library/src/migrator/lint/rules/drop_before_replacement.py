"""An index or a constraint that is dropped, and then made again under the same name."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

DROPS = ("drop index", "drop constraint")
MAKES = ("create index", "add constraint")


def _is_replaced(candidate: Candidate) -> bool:
    if candidate.nested or candidate.kind not in DROPS:
        return False
    if candidate.drops_leftover():
        return False
    name = candidate.action.name.rpartition(".")[2]
    # In one transaction there is no moment without it.
    return any(
        each.action.kind in MAKES
        and each.action.name.rpartition(".")[2] == name
        and not (candidate.in_transaction and each.transaction == candidate.transaction)
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
    action=_is_replaced,
)
