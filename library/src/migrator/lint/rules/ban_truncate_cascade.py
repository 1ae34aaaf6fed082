"""TRUNCATE ... CASCADE."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ban-truncate-cascade",
    reason="TRUNCATE ... CASCADE empties every table that refers to this one, whatever is in it.",
    safe="name the tables, or delete in batches.",
    example=Example(
        unsafe='op.execute("TRUNCATE leftovers CASCADE")',
        safe='op.execute("DELETE FROM leftovers WHERE id = 1")',
    ),
    action=lambda candidate: candidate.kind == "truncate" and candidate.action.has("cascade"),
)
