"""A key that becomes bigint, and a sequence that stays integer."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

SMALL = ("int2", "int4")


def _stays(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind != "set type" or action.type is None or action.type.name != "int8":
        return False
    schema = candidate.history.schema
    column = schema.column(action.table, action.name)
    kind = schema.sequences.get(column.sequence) if column else None
    widened = any(
        each.action.kind == "alter sequence"
        and each.action.name == (column.sequence if column else "")
        for each in candidate.later
    )
    return kind is not None and kind.name in SMALL and not widened


RULE = Rule(
    name="sequence-too-small",
    reason=(
        "The sequence of the column keeps its type: after 2147483647 every INSERT fails, though"
        " the column has room."
    ),
    safe="ALTER SEQUENCE ... AS bigint in the same revision.",
    example=Example(
        unsafe="""
op.execute("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY)")
op.execute("ALTER TABLE notes ALTER COLUMN id TYPE bigint")
""",
        safe="""
op.execute("CREATE TABLE books (id serial PRIMARY KEY)")
op.execute("ALTER TABLE books ALTER COLUMN id TYPE bigint")
op.execute("ALTER SEQUENCE books_id_seq AS bigint")
""",
    ),
    action=_stays,
)
