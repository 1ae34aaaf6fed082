"""Squawk judges a statement by its form; the trace has tried it. Here both are brought together."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from migrator.lint import contract
from migrator.lint.finding import Finding, shorten
from migrator.lint.offline import Rendered
from migrator.lint.rules import ALL
from migrator.lint.statements import subject
from migrator.revisions import graph
from migrator.trace import Problem, Step, Traced
from migrator.trace.judging import seen

# A foreign key is read through indexes where there are any, so that no full scan is seen. Nothing
# is read for a column that comes with it and is empty.
READS_ROWS = re.compile(r"\bFOREIGN\s+KEY\b|\bDEFAULT\b", re.IGNORECASE)
# Those that say beforehand that the statement fails on rows, or everywhere.
ANNOUNCED = {
    "adding-required-field",
    "ban-concurrent-index-creation-in-transaction",
    "syntax-error",
}
RENAMING = {"renaming-column", "renaming-enum-value", "renaming-table"}
BREAKING = RENAMING | contract.ALLOWED_LATER


@dataclass(frozen=True)
class Compared:
    """Findings that stand, with what was seen, and those that the trace disproves."""

    findings: tuple[Finding, ...]
    cleared: tuple[Finding, ...] = ()


def compare(
    findings: Sequence[Finding], rendered: Sequence[Rendered], traced: Sequence[Traced]
) -> Compared:
    """Bring together what was said about the revisions and what they did."""
    stand: list[Finding] = []
    cleared: list[Finding] = []
    written = {each.script.revision: each for each in rendered}
    for each in traced:
        own = [finding for finding in findings if finding.revision == each.script.revision]
        for finding in own:
            steps = steps_of(finding, each)
            if _is_disproved(finding, each, steps):
                evidence = _seen(steps, each) or "it was tried instead"
                cleared.append(replace(finding, evidence=evidence))
            else:
                stand.append(replace(finding, evidence=_seen(steps, each)))
        new = [problem for problem in problems(each) if not said(problem, each, own)]
        stand += [_as_finding(each, problem) for problem in new]
        if not any(problem.rule == "fails" for problem in new):
            stand += _untried(each, written[each.script.revision])
    return Compared(tuple(stand), tuple(cleared))


def said(problem: Problem, traced: Traced, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that already say of the same statement what the trace has seen."""
    return [
        finding
        for finding in findings
        if _same_kind(finding.rule, problem.rule)
        and any(step is problem.step for step in steps_of(finding, traced))
    ]


def problems(traced: Traced) -> list[Problem]:
    """Return what the trace has against a revision, less what its phase allows."""
    allowed = contract.ALLOWED_LATER if graph.phase(traced.script) == "contract" else ()
    return [problem for problem in traced.problems if problem.rule not in allowed]


def _same_kind(rule: str, seen_rule: str) -> bool:
    if seen_rule == "fails":
        return rule in ANNOUNCED
    if seen_rule in BREAKING:
        return rule in BREAKING
    return rule == seen_rule or ALL[rule].lock


def _is_disproved(finding: Finding, traced: Traced, steps: Sequence[Step]) -> bool:
    if finding.rule == "not-linted":
        return not traced.failure
    if finding.rule == "adding-foreign-key-constraint" and _may_read(finding, traced, steps):
        return False
    bad = {id(problem.step) for problem in problems(traced)}
    watched = bool(steps) and all(step.watched and id(step) not in bad for step in steps)
    return ALL[finding.rule].tried and watched


def _may_read(finding: Finding, traced: Traced, steps: Sequence[Step]) -> bool:
    """Return whether a foreign key may have to look at rows of a table that was there."""
    names = subject(finding.statement).names
    tables = {oid for step in steps for oid, name in step.names.items() if name in names}
    is_new = bool(tables) and tables.isdisjoint(traced.old)
    texts = (finding.statement, *(step.sql for step in steps))
    return not is_new and any(map(READS_ROWS.search, texts))


def _as_finding(traced: Traced, problem: Problem) -> Finding:
    step, rule = problem.step, ALL[problem.rule]
    return Finding(
        problem.rule,
        traced.script.revision,
        str(traced.script.module.__file__),
        step.place.line,
        shorten(step.sql),
        rule.reason,
        rule.safe,
        "trace",
        problem.evidence,
    )


def _untried(traced: Traced, rendered: Rendered) -> Iterator[Finding]:
    """Yield what is behind a failure that was announced, or in an earlier revision."""
    left = rendered.statements
    if not traced.failure or rendered.failure:
        return
    if traced.steps:
        last = traced.steps[-1]
        lines = [n for n, each in enumerate(left) if each.place.line == last.place.line]
        same = [n for n in lines if _plain(left[n].sql) in _plain(last.sql)] or lines
        left = left[same[-1] + 1 :] if same else ()
    for statement in left[:1]:
        step = Step(statement.sql, statement.place, 0)
        yield _as_finding(traced, Problem("not-tried", step, traced.failure))


def steps_of(finding: Finding, traced: Traced) -> list[Step]:
    """Return the steps that a finding is about: the statement's, else all of its line.

    A step may hold more than the statement: others, or a DO block around it.
    """
    line = [step for step in traced.steps if step.place.line == finding.line]
    text = _plain(finding.statement.removesuffix("..."))
    return [step for step in line if text in _plain(step.sql)] or line


def _plain(statement: str) -> str:
    return "".join(statement.split()).rstrip(";").lower()


def _seen(steps: Sequence[Step], traced: Traced) -> str:
    return "; ".join(dict.fromkeys(step.error or seen(step, traced.old) for step in steps))
