"""A primary key or a unique constraint that is dropped while old code runs."""

from migrator.lint.candidate import Candidate
from migrator.lint.known_schema import KEYS, Table
from migrator.lint.rule import Example, Rule


def _drops(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind != "drop constraint" or action.name in candidate.change.constraints:
        return False
    known = candidate.history.schema.tables.get(action.table, Table()).constraints
    if action.name in known:
        kind = known[action.name].kind
    else:
        kind = "primary key" if action.name.endswith("_pkey") else ""
    again = any(
        each.action.adds(kind)
        and each.action.table == action.table
        and each.transaction == candidate.transaction
        for each in candidate.later
    )
    return kind in KEYS and not again


RULE = Rule(
    name="dropping-key",
    reason=(
        "Code that still runs relies on the key: ON CONFLICT fails, foreign keys need it, and rows"
        " that it forbids are accepted for good."
    ),
    safe=(
        'op.replace_constraint(...), or drop it in a revision with phase = "contract" when no code'
        " relies on it."
    ),
    example=Example(
        unsafe="""
op.execute("CREATE TABLE IF NOT EXISTS notes (id bigint PRIMARY KEY)")
op.execute("ALTER TABLE notes DROP CONSTRAINT notes_pkey")
""",
        safe="""
phase = "contract"
op.execute("CREATE TABLE IF NOT EXISTS notes (id bigint PRIMARY KEY)")
op.execute("ALTER TABLE notes DROP CONSTRAINT notes_pkey")
""",
    ),
    action=_drops,
    allowed_in_contract=True,
    covers=frozenset({"noticed-in-expand"}),
)
