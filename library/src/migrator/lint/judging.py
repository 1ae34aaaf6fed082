"""What is wrong with rendered revisions: squawk's words and our own, less what cannot hurt."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from migrator.lint import contract, squawk
from migrator.lint.finding import Finding, shorten
from migrator.lint.offline import Rendered, Statement
from migrator.lint.rules import ALL, OWN
from migrator.lint.statements import Subject, name, nested, subject
from migrator.revisions import graph

# Each is said of the same statement as constraint-missing-not-valid.
SPECIAL = {
    "adding-foreign-key-constraint",
    "disallowed-unique-constraint",
    "adding-serial-primary-key-field",
}
WEAK = re.compile(r"\bIN\s+(?:ACCESS\s+SHARE|ROW\s+SHARE|ROW\s+EXCLUSIVE)\s+MODE", re.IGNORECASE)
WHERE = re.compile(r"\bWHERE\b|\bLIMIT\b", re.IGNORECASE)
NEW_INDEX = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?"
    r"(?!ON\s)(?P<name>\"(?:[^\"]|\"\")+\"|[\w$]+)",
    re.IGNORECASE,
)
RENAMED = re.compile(r"\bRENAME\s+TO\s+(?P<name>\"(?:[^\"]|\"\")+\"|[\w$]+)\s*$", re.IGNORECASE)
PERHAPS = re.compile(r"CREATE\b[^(]*?\bIF\s+NOT\s+EXISTS\b", re.IGNORECASE)


class New:
    """The tables and indexes that did not exist before: nobody waits for them."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def has(self, about: Subject) -> bool:
        """Return whether a statement is about new ones only."""
        return bool(about.names) and self.names.issuperset(about.names)

    def learn(self, statement: Statement) -> None:
        """Note what a statement creates for certain."""
        about = subject(statement.sql)
        if statement.nested:  # often there is an IF before it
            return
        if about.kind == "create table" and not PERHAPS.match(statement.sql):
            self.names.update(about.names)
        elif self.has(about) and (
            match := NEW_INDEX.match(statement.sql) or RENAMED.search(statement.sql)
        ):
            schema = about.names[0].rpartition(".")[0]
            self.names.add(f"{schema}.{name(match['name'])}".removeprefix("."))


def judge(
    revisions: Sequence[Rendered], before: Mapping[str, Sequence[Rendered]], *, together: bool
) -> list[Finding]:
    """Return the findings, in the order of the statements.

    Args:
        before: for an online revision, what comes before it in the same change.
        together: the revisions are deployed at once, so that what one creates is empty for the
            next; else each is judged as if it came alone.
    """
    revisions = [_opened(each) for each in revisions]
    hits: dict[int, list[str]] = {}
    for hit in squawk.run(revisions):
        if hit.rule != "syntax-error" or not hit.statement.nested:  # PL/pgSQL has more words
            hits.setdefault(id(hit.statement), []).append(hit.rule)
    found: list[Finding] = []
    new = New()
    for revision in revisions:
        new = new if together else New()
        columns = _columns(before.get(revision.script.revision, ()))
        if revision.failure:
            found.append(_unread(revision))
        for statement in revision.statements:
            about = subject(statement.sql)
            if not new.has(about):
                theirs = hits.get(id(statement), [])
                own = _own(revision, statement, about, columns)
                for rule in _relevant(revision, statement, [*theirs, *own]):
                    found.append(_finding(revision, statement, rule, rule in theirs))
            new.learn(statement)
            columns.learn(statement.sql)
    return found


def _opened(revision: Rendered) -> Rendered:
    """Return a revision whose DO blocks are followed by the statements in them."""
    statements: list[Statement] = []
    for each in revision.statements:
        inside = (replace(each, sql=sql, nested=True) for sql in nested(each.sql))
        statements += [each, *inside]
    return replace(revision, statements=tuple(statements))


def _columns(before: Sequence[Rendered]) -> contract.Columns:
    columns = contract.Columns(sure=not any(each.failure for each in before))
    for each in before:
        for statement in _opened(each).statements:
            columns.learn(statement.sql)
    return columns


def _finding(revision: Rendered, statement: Statement, rule: str, theirs: bool) -> Finding:
    script, line = revision.script, statement.place.line
    text = shorten(statement.sql)
    path = str(script.module.__file__)
    source = "squawk" if theirs else "migrator"
    return Finding(
        rule, script.revision, path, line, text, ALL[rule].reason, ALL[rule].safe, source
    )


def _relevant(revision: Rendered, statement: Statement, rules: Sequence[str]) -> list[str]:
    """Leave out what is no danger here, and what says the same as another rule."""
    left_out: set[str] = set()
    if statement.place.own:  # made safe by our operations
        left_out |= {rule for rule in rules if ALL[rule].lock}
    if graph.phase(revision.script) == "contract":
        left_out |= contract.ALLOWED_LATER
    if SPECIAL.intersection(rules):
        left_out.add("constraint-missing-not-valid")
    return [rule for rule in dict.fromkeys(rules) if rule not in left_out]


def _own(
    revision: Rendered, statement: Statement, about: Subject, columns: contract.Columns
) -> Iterator[str]:
    if about.kind == "lock" and not WEAK.search(statement.sql):
        yield "lock-table"
    elif about.kind == "truncate":
        yield "truncate-table"
    elif about.kind in ("update", "delete") and not WHERE.search(statement.sql):
        yield "bulk-write"
    yield from contract.renames(statement.sql)
    if graph.phase(revision.script) in contract.BEFORE and columns.breaks(statement.sql):
        yield "contract-in-expand"


def _unread(revision: Rendered) -> Finding:
    rule, script = OWN["not-linted"], revision.script
    path = str(script.module.__file__)
    return Finding("not-linted", script.revision, path, 1, revision.failure, rule.reason, rule.safe)
