"""Findings in revisions as they are written: in their rendered SQL, and in their Python."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from migrator.lint.candidate import Candidate, Placed
from migrator.lint.change import Change
from migrator.lint.finding import Finding
from migrator.lint.history import History
from migrator.lint.known_schema import Body
from migrator.lint.python_code import Code
from migrator.lint.rendering import Rendered, Statement
from migrator.lint.rule import Rule, uncovered
from migrator.lint.rules import ALL
from migrator.lint.statements import Action, read
from migrator.lint.statements.expressions import STABLE
from migrator.lint.visible_names import OF_SESSION, VisibleNames
from migrator.revisions import attributes, unreadable
from migrator.revisions.attributes import CONTRACT

DEEPEST = 3  # of functions that call each other


@dataclass
class New:
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
        # In a DO block there often is an IF before it.
        if placed.statement.nested or action.has("or replace"):
            return
        if action.has("if not exists") and not history.schema.has_no_table(action.table):
            return
        if action.kind == "add column" and action.has("serial") and self.has(action):
            self.names.add(f"{action.table}_{action.name}_seq")
        elif action.kind == "create index":
            self.names |= {action.name} if action.table in self.names else set()
        elif action.kind.startswith("create "):
            self.names.add(action.table or action.name)
        elif action.kind.startswith("rename ") and self.has(action):
            self.names.add(action.new_name)


def find(
    revisions: Sequence[Rendered],
    before: Mapping[str, Sequence[Rendered]],
    history: History,
    *,
    together: bool,
) -> list[Finding]:
    """Return the findings, in the order of the statements.

    Args:
        before: for a non-transactional revision, what comes before it in the same change.
        history: the schema before the first of them.
        together: the revisions are deployed at once, so that what one creates is empty for the
            next; else each is judged as if it came alone.
    """
    found: list[Finding] = []
    new = New()
    for revision in revisions:
        new = new if together else New()
        found += _of_revision(revision)
        found += _of_statements(revision, before.get(revision.script.revision, ()), history, new)
    return found


def _of_statements(
    revision: Rendered, before: Sequence[Rendered], history: History, new: New
) -> Iterator[Finding]:
    phase, change = _phase(revision), _change(before, history.visible)
    everything = placed(revision, history.visible, lambda: history.schema.functions)
    earlier: list[Placed] = []
    broken: dict[int, tuple[Statement, list[Rule]]] = {}
    for number, each in enumerate(everything, start=1):
        action, statement = each.action, each.statement
        if not new.has(action):
            candidate = Candidate(
                action,
                phase,
                tuple(earlier),
                tuple(everything[number:]),
                history,
                change,
                frozenset(new.names),
                statement.nested,
                statement.repeated,
                statement.in_transaction,
                each.transaction,
            )
            rules = broken.setdefault(id(statement), (statement, []))[1]
            rules += (rule for rule in ALL.values() if rule.action and rule.action(candidate))
            earlier.append(each)
        elif action.adds("foreign key"):
            earlier.append(each)  # what a new table refers to is locked
        new.learn(each, history)
        change.learn(action)
        history.learn(action)
    for statement, rules in broken.values():
        for rule in _relevant(phase, statement, rules):
            yield _finding(revision, rule, statement.place.line, statement.sql)


def placed(
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


def _phase(revision: Rendered) -> str:
    script = revision.script
    return attributes.of(script).phase if attributes.has_phase(script) else ""


def _change(before: Sequence[Rendered], visible: VisibleNames) -> Change:
    change = Change(sure=not any(each.failure for each in before))
    for each in before:
        for one in placed(each, visible):
            change.learn(one.action)
    return change


def _finding(revision: Rendered, rule: Rule, line: int, text: str) -> Finding:
    path = str(revision.script.module.__file__)
    return Finding.of(rule, revision.script.revision, path, line, text)


def _relevant(phase: str, statement: Statement, rules: Sequence[Rule]) -> list[Rule]:
    """Leave out what is no danger here, and what says the same as another rule."""
    return [
        rule
        for rule in uncovered(rules, ALL)
        # The library's own operations are safe there.
        if not (statement.place.own and rule.locks)
        and not (phase == CONTRACT and rule.allowed_in_contract)
    ]


def _of_revision(revision: Rendered) -> Iterator[Finding]:
    path = Path(str(revision.script.module.__file__))
    text, lost = path.read_text("utf-8", "replace"), unreadable.reason(revision.script)
    for rule in ALL.values():
        if rule.revision and (words := rule.revision(revision)):
            yield _finding(revision, rule, 1, words)
        if rule.code and not lost and any(word in text for word in rule.words):
            code = Code.of(text)
            for line in rule.code(code):
                yield _finding(revision, rule, line, code.line(line))
