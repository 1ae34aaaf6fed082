"""What a change creates itself: rules look at nothing that is about such objects only."""

from dataclasses import dataclass, field

from migrator.lint.candidate import Placed
from migrator.lint.history import History
from migrator.lint.statements import Action
from migrator.lint.visible_names import OF_SESSION


@dataclass
class NewObjects:
    """What did not exist before: no session waits for it, and no code knows it."""

    names: set[str] = field(default_factory=set)

    def has(self, action: Action) -> bool:
        """Return whether an action is about something new only."""
        if action.kind in OF_SESSION:
            return False
        return (action.table or action.name) in self.names or action.has("of create", "temporary")

    def learn(self, placed: Placed, history: History) -> None:
        """Note what an action creates for certain."""
        action = placed.action
        if action.has("or replace"):
            return
        # In a DO block there often is an IF before it.
        is_unsure = placed.statement.nested or action.has("if not exists")
        if is_unsure and not history.schema.has_no_table(action.table):
            return
        if action.kind == "add column" and action.has("serial") and self.has(action):
            self.names.add(f"{action.table}_{action.name}_seq")
        elif action.kind == "create index":
            self.names |= {action.name} if action.table in self.names else set()
        elif action.kind.startswith("create "):
            self.names.add(action.table or action.name)
        elif action.kind.startswith("rename ") and self.has(action):
            self.names.add(action.new_name)
