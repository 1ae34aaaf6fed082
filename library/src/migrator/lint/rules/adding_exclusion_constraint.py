"""An exclusion constraint, whose index is built while the table is locked."""

from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="adding-exclusion-constraint",
    reason=(
        "An exclusion constraint builds its index while the table is locked against reads and"
        " writes, and cannot be NOT VALID."
    ),
    safe="a new table with the constraint, into which op.backfill(...) copies, then switch over.",
    example=Example(
        unsafe='op.execute("ALTER TABLE users ADD EXCLUDE USING btree (code WITH =)")',
        safe='op.execute("CREATE TABLE stays (at date, EXCLUDE USING btree (at WITH =))")',
    ),
    action=lambda candidate: candidate.action.adds("exclude"),
    locks=True,
    dismiss=harmless,
)
