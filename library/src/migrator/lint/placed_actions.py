"""The actions of a revision, each in its place: also those in DO blocks and called functions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from migrator.lint.candidate import Placed
from migrator.lint.rendering import Rendered, Statement
from migrator.lint.statements import Action, read
from migrator.lint.statements.expressions import STABLE
from migrator.lint.visible_names import VisibleNames

DEEPEST = 3  # of functions that call each other


def of(
    revision: Rendered,
    visible: VisibleNames | None = None,
    known: Callable[[], Mapping[str, Action]] = dict,
) -> list[Placed]:
    """Return the actions of a revision, also those in DO blocks and in functions that it calls.

    Args:
        visible: the names that its session sees.
        known: returns the functions that were there before.
    """
    return of_statements(revision.statements, visible, known)


def of_statements(
    statements: Sequence[Statement],
    visible: VisibleNames | None = None,
    known: Callable[[], Mapping[str, Action]] = dict,
) -> list[Placed]:
    """Return the actions of some statements of a revision, likewise."""
    found: list[Placed] = []
    functions = Functions(known)
    transaction, inside = 0, True
    for statement in statements:
        if statement.in_transaction != inside:
            inside = statement.in_transaction
            transaction += 1
        for each, action in _actions(statement, functions):
            found.append(Placed(visible.of(action) if visible else action, each, transaction))
    return found


class Functions:
    """The functions that a statement may call; those from before are read if one is."""

    def __init__(self, known: Callable[[], Mapping[str, Action]]) -> None:
        self._known = known
        self._made: dict[str, Action] = {}

    def learn(self, action: Action) -> None:
        """Note a function that is created."""
        if action.kind in ("create function", "create procedure"):
            self._made[action.name] = action

    def body(self, name: str) -> tuple[tuple[str, bool], ...]:
        """Return the statements in a function."""
        made = self._made.get(name)
        if made is None and name not in STABLE and not name.startswith("pg_"):
            made = self._known().get(name)
        return made.body if made else ()


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
