"""How sessions name what they see: without the schema, where it is one of their search path."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from migrator.lint.statements import Action

# Their names are in no schema.
OF_SESSION = ("set", "call")


@dataclass(frozen=True)
class VisibleNames:
    """The schemas of a search path; public needs no entry, see `statements.nodes.dotted`.

    `hidden` are the names, with schema, of what another object of the name in an earlier schema
    hides: only with its schema it is meant.
    """

    path: Collection[str] = ()
    hidden: Collection[str] = ()

    def short(self, name: str) -> str:
        """Return a name without its schema, if it means the same."""
        schema, _, own = name.rpartition(".")
        return own if schema in self.path and name not in self.hidden else name

    def of(self, action: Action) -> Action:
        """Return an action that names everything that way."""
        if not self.path or action.kind in OF_SESSION:
            return action
        kind = replace(action.type, name=self.short(action.type.name)) if action.type else None
        return replace(
            action,
            table=self.short(action.table),
            name=self.short(action.name),
            new_name=self.short(action.new_name),
            refers=tuple(map(self.short, action.refers)),
            type=kind,
        )
