"""A trigger or a rule that refuses or changes what old code writes."""

from collections.abc import Iterator

from migrator.lint.candidate import Candidate
from migrator.lint.known_schema import Table
from migrator.lint.rule import Example, Rule
from migrator.lint.statements import Action
from migrator.lint.statements.trigger_functions import RAISES, RETURNS_NULL


def _refuses(candidate: Candidate) -> bool:
    action, schema = candidate.action, candidate.history.schema
    if candidate.kind in ("add identity", "set identity"):
        return action.has("always") and not candidate.change.is_on_new(action)
    if action.table in schema.views:
        return False  # which nobody could write to
    if candidate.kind == "create rule":
        return action.has("instead")
    if candidate.kind == "create trigger":
        before = schema.triggers.get((action.table, action.name))
        function = schema.functions.get(action.value or "")
        if function is None or (before is not None and before.value == action.value):
            return False
        return _interferes(candidate, action, function, Action(""))
    if candidate.kind != "create function" or not action.has("or replace"):
        return False
    old = schema.functions.get(action.name)
    return old is not None and any(
        _interferes(candidate, each, action, old) for each in _triggers(candidate, action.name)
    )


def _triggers(candidate: Candidate, function: str) -> Iterator[Action]:
    for (table, _), trigger in candidate.history.schema.triggers.items():
        if trigger.value == function and table not in candidate.new:
            yield trigger


def _interferes(candidate: Candidate, trigger: Action, new: Action, old: Action) -> bool:
    """Return whether a function does with rows what the `old` one did not."""
    facts = new.facts - old.facts
    added = {name for table, name in candidate.change.added if table == trigger.table}
    is_of_rows = trigger.has("row") and not trigger.has("after")
    table = candidate.history.schema.tables.get(trigger.table, Table())
    later = (each.action for each in candidate.later if each.action.kind == "add column")
    added_later = {each.name for each in later if each.table == trigger.table}
    there = {name.lower() for name in {*table.columns} | added_later}
    if trigger.has("row") and table.created and not there.issuperset(new.condition):
        return True  # record "new" has no such field
    refuses = RAISES in facts or (RETURNS_NULL in facts and is_of_rows)
    return refuses or (is_of_rows and bool({*new.columns} - {*old.columns} - added))


RULE = Rule(
    name="refusing-writes",
    reason=(
        "Code that still runs writes rows as before: a trigger or a rule that raises, drops the row"
        " or sets another value, and a key that is always generated, refuse or change them."
    ),
    safe='create it in a revision with phase = "contract", when the code that runs expects it.',
    example=Example(
        unsafe="""
op.execute("CREATE RULE silent AS ON DELETE TO users DO INSTEAD NOTHING")
""",
        safe="""
phase = "contract"
op.execute("CREATE RULE silent AS ON DELETE TO users DO INSTEAD NOTHING")
""",
    ),
    action=_refuses,
    breaks_code=True,
    allowed_in_contract=True,
)
