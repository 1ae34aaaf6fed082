"""Findings in revisions as they are written: in their rendered SQL, and in their Python."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from migrator.lint import placed_actions
from migrator.lint.candidate import Candidate, Placed
from migrator.lint.change import Change
from migrator.lint.finding import Finding
from migrator.lint.history import History
from migrator.lint.new_objects import NewObjects
from migrator.lint.python_code import Code
from migrator.lint.rendering import Rendered, Statement
from migrator.lint.rule import Rule, uncovered
from migrator.lint.rules import ALL
from migrator.lint.visible_names import VisibleNames
from migrator.revisions import phase_and_transaction, unreadable
from migrator.revisions.phase_and_transaction import CONTRACT


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
    new = NewObjects()
    for revision in revisions:
        new = new if together else NewObjects()
        found += _of_revision(revision, history)
        found += _of_statements(revision, before.get(revision.script.revision, ()), history, new)
    return found


def _of_statements(
    revision: Rendered, before: Sequence[Rendered], history: History, new: NewObjects
) -> Iterator[Finding]:
    phase, change = _phase(revision), _change(before, history.visible)
    everything = placed_actions.of(revision, history.visible, lambda: history.schema.functions)
    earlier: list[Placed] = []
    written: Counter[tuple[int, int, str]] = Counter()
    broken: dict[int, tuple[Statement, list[Rule]]] = {}
    for number, each in enumerate(everything, start=1):
        action, statement = each.action, each.statement
        if history.schema.lacks(action):
            continue  # nothing is locked, and nobody misses it
        if not new.has(action):
            rows = _rows(each)
            place = (each.transaction, 0 if statement.in_transaction else number, action.table)
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
                statement.accompanied,
                rows,
                written[place],
            )
            written[place] += rows
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


def _rows(placed: Placed) -> int:
    """Return how many rows an action writes whose values or keys are constants."""
    action, times = placed.action, placed.statement.times
    if action.kind == "insert":
        return times * action.rows
    is_of_key = action.kind in ("update", "delete") and not action.has("limited", "range")
    return times if is_of_key and action.columns else 0


def _phase(revision: Rendered) -> str:
    script = revision.script
    return phase_and_transaction.of(script).phase if phase_and_transaction.has_phase(script) else ""


def _change(before: Sequence[Rendered], visible: VisibleNames) -> Change:
    change = Change(sure=not any(each.failure for each in before))
    for each in before:
        for one in placed_actions.of(each, visible):
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


def _of_revision(revision: Rendered, history: History) -> Iterator[Finding]:
    path = Path(str(revision.script.module.__file__))
    text, lost = path.read_text("utf-8", "replace"), unreadable.reason(revision.script)
    for rule in ALL.values():
        if rule.revision and (words := rule.revision(revision)):
            yield _finding(revision, rule, 1, words)
        if rule.code and not lost and any(word in text for word in rule.words):
            code = Code.of(text)
            for line in rule.code(code, history):
                yield _finding(revision, rule, line, code.line(line))
