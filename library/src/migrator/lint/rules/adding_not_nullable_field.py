"""SET NOT NULL, which reads the whole table."""

from migrator.lint.candidate import Candidate
from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule


def _scans(candidate: Candidate) -> bool:
    action = candidate.action
    schema = candidate.history.schema
    if action.adds("primary key") and action.has("using index"):
        table = schema.tables.get(action.table)
        index = table.indexes.get(action.new_name) if table else None
        return index is not None and any(
            (column := schema.column(action.table, name)) is not None
            and not (column.required or schema.has_check(action.table, name))
            for name in index.columns
        )
    if action.adds("not null"):
        return not action.has("not valid")
    if candidate.kind != "set not null":
        return False
    return not schema.has_check(action.table, action.name)


RULE = Rule(
    name="adding-not-nullable-field",
    reason="SET NOT NULL scans the whole table while it is locked against reads and writes.",
    safe=(
        "op.set_not_null(...), which validates a check first, so that nothing has to be scanned."
    ),
    example=Example(
        unsafe='op.alter_column("users", "age", nullable=False)',
        safe='op.set_not_null("users", "age")',
    ),
    action=_scans,
    locks=True,
    dismiss=harmless,
)
