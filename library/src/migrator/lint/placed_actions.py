"""The actions of a revision, each in its place: also those in DO blocks and called functions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from migrator.lint.candidate import Placed
from migrator.lint.known_schema import Body
from migrator.lint.rendering import Rendered, Statement
from migrator.lint.statements import Action, read
from migrator.lint.statements.expressions import STABLE
from migrator.lint.visible_names import VisibleNames

DEEPEST = 3  # of functions that call each other


def of(
    revision: Rendered,
    visible: VisibleNames | None = None,
    known: Callable[[], Mapping[str, Body]] = dict,
) -> list[Placed]:
    """Return the actions of a revision, also those in DO blocks and in functions that it calls.

    Args:
        visible: the names that its session sees.
        known: returns the functions that were there before.
    """
    found: list[Placed] = []
    functions = Functions(known)
    transaction, inside = 0, True
    for statement in revision.statements:
        if statement.in_transaction != inside:
            inside = statement.in_transaction
            transaction += 1
        for each, action in _actions(statement, functions):
            found.append(Placed(visible.of(action) if visible else action, each, transaction))
    return found


class Functions:
    """The functions that a statement may call; those from before are read if one is."""

    def __init__(self, known: Callable[[], Mapping[str, Body]]) -> None:
        self._known = known
        self._made: dict[str, Body] = {}

    def learn(self, action: Action) -> None:
        """Note a function that is created."""
        if action.kind in ("create function", "create procedure"):
            self._made[action.name] = action.body

    def body(self, name: str) -> Body:
        """Return the statements in a function."""
        if name in self._made or name in STABLE or name.startswith("pg_"):
            return self._made.get(name, ())
        return self._known().get(name, ())


def _actions(
    statement: Statement, functions: Functions, depth: int = 0
) -> Iterator[tuple[Statement, Action]]:
    # A variable is a constant for a statement, but not for a loop around it.
    whole = read(statement.sql, variables=statement.nested and not statement.repeated)
    inner: list[tuple[str, bool]] = [*whole.inside]
    for action in whole.actions:
        functions.learn(action)
        if action.kind == "call":
            inner += functions.body(action.name)
        if not (statement.nested and action.kind == "syntax error"):  # PL/pgSQL has more words
            yield statement, action
    for text, repeated in inner if depth < DEEPEST else ():
        one = replace(statement, sql=text, nested=True, repeated=repeated)
        yield from _actions(one, functions, depth + 1)
