"""What is wrong with rendered revisions: squawk's words and our own, less what cannot hurt."""

import re
from collections.abc import Iterator, Sequence

from migrator.lint import squawk
from migrator.lint.finding import Finding, shorten
from migrator.lint.offline import Rendered, Statement
from migrator.lint.rules import ALL, OWN, SQUAWK
from migrator.lint.statements import Subject, name, subject

# The statements that break code that still runs, whatever they lock. Not a change of type: one
# that only widens breaks nothing, and of the others squawk and the trace tell.
CONTRACT = re.compile(
    r"DROP\s+TABLE\b|ALTER\s+TABLE\b.*?\b(?:DROP\s+COLUMN\b|RENAME\b(?!\s+CONSTRAINT\b)"
    r"|SET\s+NOT\s+NULL\b)",
    re.IGNORECASE | re.DOTALL,
)
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


class New:
    """The tables and indexes that did not exist before: nobody waits for them."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def has(self, about: Subject) -> bool:
        """Return whether a statement is about new ones only."""
        return bool(about.names) and self.names.issuperset(about.names)

    def learn(self, statement: Statement) -> None:
        """Note what a statement creates."""
        about = subject(statement.sql)
        if about.kind == "create table":
            self.names.update(about.names)
        elif self.has(about) and (
            match := NEW_INDEX.match(statement.sql) or RENAMED.search(statement.sql)
        ):
            schema = about.names[0].rpartition(".")[0]
            self.names.add(f"{schema}.{name(match['name'])}".removeprefix("."))


def judge(revisions: Sequence[Rendered], *, together: bool) -> list[Finding]:
    """Return the findings, in the order of the statements.

    Args:
        together: the revisions are deployed at once, so that what one creates is empty for the
            next; else each is judged as if it came alone.
    """
    hits: dict[int, list[str]] = {}
    for hit in squawk.run(revisions):
        hits.setdefault(id(hit.statement), []).append(hit.rule)
    found: list[Finding] = []
    new = New()
    for revision in revisions:
        new = new if together else New()
        if revision.failure:
            found.append(_unread(revision))
        for statement in revision.statements:
            about = subject(statement.sql)
            if not new.has(about):
                rules = _relevant(revision, statement, hits.get(id(statement), ()))
                for rule in (*rules, *_own(revision, statement, about)):
                    found.append(finding(revision, statement, rule))
            new.learn(statement)
    return found


def finding(revision: Rendered, statement: Statement, rule: str) -> Finding:
    """Return a finding about one statement."""
    script, line = revision.script, statement.place.line
    text = shorten(statement.sql)
    path = str(script.module.__file__)
    source = "squawk" if rule in SQUAWK else "migrator"
    return Finding(
        rule, script.revision, path, line, text, ALL[rule].reason, ALL[rule].safe, source
    )


def _relevant(revision: Rendered, statement: Statement, hits: Sequence[str]) -> list[str]:
    """Leave out what is no danger here, and what says the same as another rule."""
    left_out: set[str] = set()
    if statement.place.own:  # made safe by our operations
        left_out |= {rule for rule in hits if SQUAWK[rule].lock}
    if _phase(revision) == "contract":  # the code that used it is gone
        left_out |= {"ban-drop-column", "ban-drop-table"}
    if SPECIAL.intersection(hits):
        left_out.add("constraint-missing-not-valid")
    return [rule for rule in dict.fromkeys(hits) if rule not in left_out]


def _phase(revision: Rendered) -> str | None:
    return getattr(revision.script.module, "phase", None)


def _own(revision: Rendered, statement: Statement, about: Subject) -> Iterator[str]:
    if about.kind == "lock" and not WEAK.search(statement.sql):
        yield "lock-table"
    elif about.kind == "truncate":
        yield "truncate-table"
    elif about.kind in ("update", "delete") and not WHERE.search(statement.sql):
        yield "bulk-write"
    if _phase(revision) == "expand" and CONTRACT.match(statement.sql):
        yield "contract-in-expand"


def _unread(revision: Rendered) -> Finding:
    rule, script = OWN["not-linted"], revision.script
    path = str(script.module.__file__)
    return Finding("not-linted", script.revision, path, 1, revision.failure, rule.reason, rule.safe)
