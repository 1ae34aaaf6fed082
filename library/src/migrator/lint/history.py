"""The schema before each action of revisions."""

from collections.abc import Callable, Iterable

from migrator.lint.known_changes import learn
from migrator.lint.known_schema import Schema
from migrator.lint.statements import Action
from migrator.lint.visible_names import VisibleNames


def learned(actions: Iterable[Action], *, sure: bool) -> Schema:
    """Return the schema that actions make; `sure` if these are all."""
    schema = Schema(sure=sure)
    for action in actions:
        learn(schema, action)
    return schema


class History:
    """The schema before a statement; it is read only when somebody asks.

    Args:
        start: returns the schema before the first.
        visible: the names that its sessions see.
    """

    def __init__(
        self, start: Callable[[], Schema] = Schema, visible: VisibleNames | None = None
    ) -> None:
        self.visible = visible or VisibleNames()
        self._start = start
        self._left: list[Action] = []
        self._schema: Schema | None = None

    def learn(self, action: Action) -> None:
        """Note what a statement does that comes next."""
        self._left.append(action)

    @property
    def schema(self) -> Schema:
        """The schema after all that was learnt."""
        if self._schema is None:
            self._schema = self._start()
        for action in self._left:
            learn(self._schema, action)
        self._left = []
        return self._schema
