"""What a change adds by itself: code before it cannot use that, and may leave it out."""

from dataclasses import dataclass, field

from alembic.script import Script, ScriptDirectory

from migrator.lint.statements import Action
from migrator.revisions import phase_and_transaction
from migrator.revisions.phase_and_transaction import EXPAND, Attributes


def earlier(directory: ScriptDirectory, script: Script) -> list[Script]:
    """Return the revisions of the same change before a non-transactional one, oldest first.

    Autogenerate puts it behind the expand revision of the change.
    """
    if phase_and_transaction.of(script) != Attributes(EXPAND, transactional=False):
        return []
    found = []
    for parent in script._versioned_down_revisions:
        below = directory.get_revision(parent)
        if (
            below
            and phase_and_transaction.has_phase(below)
            and phase_and_transaction.of(below).phase == EXPAND
        ):
            found += [*earlier(directory, below), below]
    return found


@dataclass
class Change:
    """The columns and constraints that a change adds, and the columns that it fills.

    `sure` is false if it is not known what all of the change does.
    """

    sure: bool = True
    added: set[tuple[str, str]] = field(default_factory=set)
    filled: set[tuple[str, str]] = field(default_factory=set)
    constraints: set[str] = field(default_factory=set)

    def learn(self, action: Action) -> None:
        """Note what an action adds or fills."""
        if action.kind == "add column":
            self.added.add((action.table, action.name))
            if action.has("default", "generated"):
                self.filled.add((action.table, action.name))
        elif action.kind == "set default":
            self.filled.add((action.table, action.name))
        elif action.kind == "rename constraint" and action.name in self.constraints:
            self.constraints.add(action.new_name)
        elif action.kind == "add constraint" and not action.has("of create"):
            self.constraints.add(action.name)

    def is_on_new(self, action: Action) -> bool:
        """Return whether an action is about a column that the change adds."""
        names = (*action.columns, action.name)
        return any((action.table, name) in self.added for name in names)

    def is_required_and_filled(self, action: Action) -> bool:
        """Return whether a column of the change is one that old code need not write."""
        return (action.table, action.name) in self.added & self.filled
