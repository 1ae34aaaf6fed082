"""The schema that a revision meets while it is rendered, read only if the revision asks."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from alembic.script import Script

from migrator.lint import placed_actions
from migrator.lint.known_changes import learn
from migrator.lint.known_schema import Schema

if TYPE_CHECKING:
    from migrator.lint.rendering import Rendered, Statement

Render = Callable[[Script], "Rendered"]


class SchemaSoFar:
    """What revisions make of a schema, one after the other.

    Args:
        ancestors: returns what comes before a revision and behind the start, oldest first.
        start: returns the schema there, None if it is not known.
    """

    def __init__(
        self,
        ancestors: Callable[[Script], list[Script]],
        start: Callable[[], Schema | None] = Schema,
    ) -> None:
        self._ancestors, self._start = ancestors, start
        self._rendered: dict[str, Rendered] = {}
        self._begin(None)

    def _begin(self, schema: Schema | None) -> None:
        self._schema = schema
        self._learnt: list[str] = []  # revisions, of the last one only some statements
        self._sent = 0

    def keep(self, rendered: "Rendered") -> None:
        """Note what a revision turned out to do."""
        self._rendered[rendered.script.revision] = rendered

    def of(self, script: Script, sent: Sequence["Statement"], render: Render) -> Schema | None:
        """Return the schema that the next statement of a revision meets, None if nobody knows.

        Args:
            sent: the statements of the revision before it.
            render: renders a revision, which may ask in its turn.
        """
        before = self._ancestors(script)
        for each in before:
            if each.revision not in self._rendered:
                self.keep(render(each))
        way = [*(each.revision for each in before), script.revision]
        if not self._learnt or way[: len(self._learnt)] != self._learnt:
            self._begin(self._start())
        for name in way[max(0, len(self._learnt) - 1) :]:
            self._learn(name, sent if name == script.revision else None)
        return self._schema

    def _learn(self, name: str, statements: Sequence["Statement"] | None) -> None:
        """Learn the statements of a revision behind those that are learnt, None for all of it."""
        if self._schema is None:
            return
        if name not in self._learnt:
            self._learnt.append(name)
            self._sent = 0
        if statements is None:
            statements = self._rendered[name].statements
            self._schema.sure = self._schema.sure and not self._rendered[name].failure
        for each in placed_actions.of_statements(statements[self._sent :]):
            learn(self._schema, each.action)
        self._sent = len(statements)
