"""Squawk judges a statement by its form; the trace has tried it. Here both are brought together."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from migrator.lint.finding import Finding, shorten
from migrator.lint.offline import Rendered, Statement
from migrator.lint.rules import ALL
from migrator.trace import Step, Traced
from migrator.trace.judging import seen

PARAMETER = re.compile(r"%\(\w+\)s")


@dataclass(frozen=True)
class Compared:
    """Findings that stand, with what was seen, and those that the trace disproves."""

    findings: tuple[Finding, ...]
    cleared: tuple[Finding, ...]


def fill(rendered: Sequence[Rendered], traced: Sequence[Traced]) -> list[Rendered]:
    """Give revisions that cannot be rendered offline the statements that the trace has seen."""
    found = {each.script.revision: each for each in traced}
    return [_filled(each, found.get(each.script.revision)) for each in rendered]


def _filled(rendered: Rendered, traced: Traced | None) -> Rendered:
    if not rendered.failure or traced is None or traced.failure:
        return rendered
    statements = tuple(
        Statement(PARAMETER.sub("$1", step.sql), step.place) for step in traced.steps
    )
    return Rendered(rendered.script, statements)


def compare(findings: Sequence[Finding], traced: Sequence[Traced]) -> Compared:
    """Bring together what was said about the revisions and what they did."""
    stand: list[Finding] = []
    cleared: list[Finding] = []
    for each in traced:
        own = [finding for finding in findings if finding.revision == each.script.revision]
        for finding in own:
            steps = _steps(finding, each)
            if _is_disproved(finding, each, steps):
                cleared.append(replace(finding, evidence=_seen(steps, each)))
            else:
                stand.append(replace(finding, evidence=_seen(steps, each)))
        stand += _new(each, stand)
    return Compared(tuple(stand), tuple(cleared))


def _is_disproved(finding: Finding, traced: Traced, steps: Sequence[Step]) -> bool:
    bad = {id(problem.step) for problem in traced.problems}
    watched = bool(steps) and all(step.watched and id(step) not in bad for step in steps)
    return ALL[finding.rule].tried and watched


def _new(traced: Traced, already: Sequence[Finding]) -> Iterator[Finding]:
    script = traced.script
    path = str(script.module.__file__)
    known = {
        _key(each.line, each.statement) for each in already if each.revision == script.revision
    }
    for problem in traced.problems:
        step, rule = problem.step, ALL[problem.rule]
        statement = shorten(step.sql)
        if _key(step.place.line, statement) not in known:
            yield Finding(
                problem.rule,
                script.revision,
                path,
                step.place.line,
                statement,
                rule.reason,
                rule.safe,
                "trace",
                problem.evidence,
            )


def _steps(finding: Finding, traced: Traced) -> list[Step]:
    """Return the steps that a finding is about: the statement's, else all of its line."""
    line = [step for step in traced.steps if step.place.line == finding.line]
    wanted = _key(finding.line, finding.statement)
    same = [step for step in line if _key(finding.line, shorten(step.sql)) == wanted]
    return same or line


def _key(line: int, statement: str) -> tuple[int, str]:
    return line, "".join(statement.split()).rstrip(";").lower()


def _seen(steps: Sequence[Step], traced: Traced) -> str:
    return "; ".join(dict.fromkeys(step.error or seen(step, traced.old) for step in steps))
