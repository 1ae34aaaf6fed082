"""Findings in rendered SQL: what squawk reports and what our rules see, less what cannot hurt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from migrator.lint import squawk
from migrator.lint.compatibility import Columns
from migrator.lint.finding import Finding
from migrator.lint.rendering import Rendered, Statement
from migrator.lint.rule import Candidate, Rule, uncovered
from migrator.lint.rules import ALL
from migrator.postgres import sql
from migrator.revisions import attributes
from migrator.revisions.attributes import CONTRACT


class New:
    """The tables and indexes that did not exist before: no session waits for them."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def has(self, about: sql.Subject) -> bool:
        """Return whether a statement is about new ones only."""
        return bool(about.names) and self.names.issuperset(about.names)

    def learn(self, statement: Statement) -> None:
        """Note what a statement creates for certain."""
        about = sql.subject(statement.sql)
        if statement.nested:  # often there is an IF before it
            return
        if about.kind == "create table" and not sql.may_exist(statement.sql):
            self.names.update(about.names)
        elif self.has(about) and (name := sql.made(statement.sql)):
            self.names.add(name)


def find(
    revisions: Sequence[Rendered],
    before: Mapping[str, Sequence[Rendered]],
    *,
    together: bool,
    squawk_timeout: float,
) -> list[Finding]:
    """Return the findings, in the order of the statements.

    Args:
        before: for a non-transactional revision, what comes before it in the same change.
        together: the revisions are deployed at once, so that what one creates is empty for the
            next; else each is judged as if it came alone.
        squawk_timeout: the setting.
    """
    revisions = [_opened(each) for each in revisions]
    hits: dict[int, list[Rule]] = {}
    for hit in squawk.run(revisions, squawk_timeout):
        if hit.rule.in_blocks or not hit.statement.nested:
            hits.setdefault(id(hit.statement), []).append(hit.rule)
    found: list[Finding] = []
    new = New()
    for revision in revisions:
        new = new if together else New()
        columns = _columns(before.get(revision.script.revision, ()))
        found += _unread(revision)
        texts = tuple(statement.sql for statement in revision.statements)
        for number, statement in enumerate(revision.statements, start=1):
            if not new.has(sql.subject(statement.sql)):
                phase = _phase(revision)
                theirs = hits.get(id(statement), [])
                own = _own(
                    Candidate(
                        statement.sql,
                        phase,
                        texts[number:],
                        columns,
                        statement.nested,
                        statement.in_transaction,
                    )
                )
                for rule in _relevant(phase, statement, [*theirs, *own]):
                    found.append(_finding(revision, statement, rule, rule in theirs))
            new.learn(statement)
            columns.learn(statement.sql)
    return found


def _opened(revision: Rendered) -> Rendered:
    """Return a revision whose DO blocks are followed by the statements in them."""
    statements: list[Statement] = []
    for each in revision.statements:
        inside = (replace(each, sql=text, nested=True) for text in sql.nested(each.sql))
        statements += [each, *inside]
    return replace(revision, statements=tuple(statements))


def _phase(revision: Rendered) -> str:
    script = revision.script
    return attributes.of(script).phase if attributes.has_phase(script) else ""


def _columns(before: Sequence[Rendered]) -> Columns:
    columns = Columns(sure=not any(each.failure for each in before))
    for each in before:
        for statement in _opened(each).statements:
            columns.learn(statement.sql)
    return columns


def _finding(revision: Rendered, statement: Statement, rule: Rule, theirs: bool) -> Finding:
    return Finding.of(
        rule,
        revision.script.revision,
        str(revision.script.module.__file__),
        statement.place.line,
        statement.sql,
        "squawk" if theirs else "migrator",
    )


def _relevant(phase: str, statement: Statement, rules: Sequence[Rule]) -> list[Rule]:
    """Leave out what is no danger here, and what says the same as another rule."""
    return [
        rule
        for rule in uncovered(rules, ALL)
        # The library's own operations are safe there.
        if not (statement.place.own and rule.locks)
        and not (phase == CONTRACT and rule.allowed_in_contract)
    ]


def _own(candidate: Candidate) -> Iterator[Rule]:
    for rule in ALL.values():
        if rule.statement and rule.statement(candidate):
            yield rule


def _unread(revision: Rendered) -> Iterator[Finding]:
    path = str(revision.script.module.__file__)
    for rule in ALL.values():
        if rule.revision and (words := rule.revision(revision)):
            yield Finding.of(rule, revision.script.revision, path, 1, words)
