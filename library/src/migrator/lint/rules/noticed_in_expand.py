"""A step that old code may violate or miss, in a revision that runs before the new code."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule
from migrator.revisions.phase_and_transaction import EXPAND

RULES = ("check", "unique", "primary key", "foreign key", "exclude", "not null")


def _is_noticed(candidate: Candidate) -> bool:
    action, change = candidate.action, candidate.change
    if candidate.phase != EXPAND or not change.sure:
        return False
    match candidate.kind:
        case "drop index":
            # In a DO block only what is not valid is dropped.
            return not candidate.nested and not candidate.drops_leftover()
        case "create index":
            return action.has("unique") and not change.is_on_new(action)
        case "drop constraint":
            return action.name not in change.constraints
        case "add constraint" if action.value in RULES and not action.has("using index"):
            return not change.is_on_new(action) and not any(
                each.action.kind == "drop constraint" and each.action.name == action.name
                for each in candidate.later
            )
    return candidate.kind in ("drop default", "add domain constraint")


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
op.execute("ALTER TABLE users ADD CONSTRAINT ck CHECK (age < 99) NOT VALID")
""",
        safe="""
phase = "contract"
op.execute("ALTER TABLE users ADD CONSTRAINT ck CHECK (age < 99) NOT VALID")
""",
    ),
    action=_is_noticed,
)
