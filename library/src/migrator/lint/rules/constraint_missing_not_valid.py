"""A constraint that is checked while the table is locked."""

from migrator.lint.candidate import Candidate
from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule


def _scans(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind == "validate constraint":
        return action.table in candidate.locked_before()
    if candidate.kind == "create table" and action.has("partition"):
        parent = candidate.history.schema.tables.get(next(iter(action.refers), ""))
        return parent is not None and parent.has_default_partition  # whose rows are read
    if candidate.kind == "attach partition":
        # A valid check of its bounds spares the scan; which one that is, a trial tells.
        table = candidate.history.schema.tables.get(action.name)
        checks = table.constraints.values() if table else ()
        is_old = action.name not in candidate.new and table is not None and table.created
        return is_old and not any(each.kind == "check" and each.valid for each in checks)
    return action.adds("check") and not action.has("not valid")


RULE = Rule(
    name="constraint-missing-not-valid",
    reason="Adding a constraint scans the whole table while it is locked.",
    safe=(
        "op.add_check_validated(...) or op.add_foreign_key_validated(...): added as NOT"
        " VALID, then validated without blocking reads or writes."
    ),
    example=Example(
        unsafe='op.create_check_constraint("ck", "users", "length(name) > 0")',
        safe='op.add_check_validated("ck", "users", "length(name) < 300")',
    ),
    action=_scans,
    locks=True,
    dismiss=harmless,
)
