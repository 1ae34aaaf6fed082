"""Another type for a column."""

from migrator.lint.candidate import Candidate
from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule
from migrator.lint.widening import widens

# Where it is that of the session, a timestamp is the same with a time zone.
UTC = ("utc", "gmt", "etc/utc", "0")
STAMPS = {"timestamp", "timestamptz"}


def _may_rewrite(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind != "set type" or action.type is None:
        return False
    schema = candidate.history.schema
    column = schema.column(action.table, action.name)
    if column is None or column.type is None or action.has("using", "collate"):
        return True
    if schema.is_read_again(action.table, action.name):
        return True
    if {column.type.name, action.type.name} == STAMPS:
        zones = [each.action for each in candidate.earlier if each.action.name == "timezone"]
        return not zones or (zones[-1].value or "").lower() not in UTC
    return not widens(column.type, action.type)


RULE = Rule(
    name="changing-column-type",
    reason=(
        "A change of type usually rewrites the table while it is locked against reads and"
        " writes, and code that still runs may not know the new type."
    ),
    safe="add a column of the new type, op.backfill(...) it, then switch the code over.",
    example=Example(
        unsafe='op.alter_column("users", "age", type_=sa.BigInteger())',
        safe='op.alter_column("users", "nick", type_=sa.Text())',
    ),
    action=_may_rewrite,
    locks=True,
    dismiss=harmless,
)
