"""Rules judge a statement by its form; the trace has tried it. Here both are brought together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from migrator.errors import counted
from migrator.lint.finding import Finding
from migrator.lint.observed import Observed, Trial
from migrator.lint.rendering import Rendered
from migrator.lint.rule import Rule, uncovered
from migrator.lint.rules import ALL
from migrator.postgres import sql
from migrator.revisions import phase_and_transaction
from migrator.revisions.phase_and_transaction import CONTRACT
from migrator.trace import Step, Traced
from migrator.trace.traced_statement import describe


@dataclass(frozen=True)
class Problem:
    """A statement that broke a rule when it ran, and what was seen of it."""

    rule: Rule
    step: Step
    evidence: str


@dataclass(frozen=True)
class Compared:
    """Findings, with what was seen, and those that the trace has dismissed."""

    findings: tuple[Finding, ...]
    dismissed: tuple[Finding, ...] = ()


def compare(
    findings: Sequence[Finding], rendered: Sequence[Rendered], traced: Sequence[Traced]
) -> Compared:
    """Bring together what was said about the revisions and what they did."""
    kept: list[Finding] = []
    dismissed: list[Finding] = []
    written = {each.script.revision: each for each in rendered}
    behind = [each for each in traced if each.untried]
    said_once = False
    for each in traced:
        own = [finding for finding in findings if finding.revision == each.script.revision]
        seen = problems(each)
        bad = {id(problem.step) for problem in seen}
        for finding in own:
            trial = _trial(finding, each, bad)
            evidence = _seen(trial.steps, each)
            dismiss = ALL[finding.rule].dismiss
            if dismiss and dismiss(trial):
                dismissed.append(
                    replace(finding, evidence=evidence or "the revision ran on the shadow database")
                )
            else:
                kept.append(replace(finding, evidence=evidence))
        new = [problem for problem in seen if not said(problem, each, own)]
        kept += [_as_finding(each, problem) for problem in new]
        if not any(problem.step.error and not problem.rule.breaks_code for problem in new):
            left = [*_untried(each, written[each.script.revision])]
            if each.untried and left:  # one finding for all that are behind the failure
                more = len(behind) - behind.index(each) - 1
                rest = f", nor what is behind it ({counted(more, 'revision')})" if more else ""
                evidence = f"{each.failure}{rest}"
                left = [] if said_once else [replace(one, evidence=evidence) for one in left]
                said_once = True
            kept += left
    return Compared(tuple(kept), tuple(dismissed))


def said(problem: Problem, traced: Traced, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that already say of the same statement what the trace has seen."""
    return [
        finding
        for finding in findings
        if ALL[finding.rule].says(problem.rule)
        and any(step is problem.step for step in steps_of(finding, traced))
    ]


def problems(traced: Traced) -> list[Problem]:
    """Return the rules that the statements of a revision broke, less what its phase allows."""
    contract = phase_and_transaction.of(traced.script).phase == CONTRACT
    return [
        Problem(rule, step, step.error or describe(step, traced.old))
        for step in traced.steps
        for rule in _broken(step, traced.old)
        if not (contract and rule.allowed_in_contract)
    ]


def _broken(step: Step, old: frozenset[int]) -> list[Rule]:
    seen = Observed(step, old)
    broken = (rule for rule in ALL.values() if rule.observed and rule.observed(seen))
    # Locks first, then lost names.
    return sorted(uncovered(broken, ALL), key=lambda rule: rule.breaks_code)


def _trial(finding: Finding, traced: Traced, bad: set[int]) -> Trial:
    steps = steps_of(finding, traced)
    own = bool(steps) and all(_sends(step, finding.statement) for step in steps)
    harmless = own and all(step.watched and id(step) not in bad for step in steps)
    return Trial(finding, traced, tuple(steps), harmless)


def _as_finding(traced: Traced, problem: Problem) -> Finding:
    return Finding.of(
        problem.rule,
        traced.script.revision,
        str(traced.script.module.__file__),
        problem.step.place.line,
        problem.step.sql,
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
        step = Step(statement.sql, statement.place)
        for rule in ALL.values():
            if rule.untried:
                yield _as_finding(traced, Problem(rule, step, traced.failure))


def steps_of(finding: Finding, traced: Traced) -> list[Step]:
    """Return the steps that a finding is about: the statement's, else all of its line.

    A step may hold more than the statement: others, or a DO block around it.
    """
    line = [step for step in traced.steps if step.place.line == finding.line]
    text = _plain(finding.statement)
    return [step for step in line if text in _plain(step.sql)] or line


def _sends(step: Step, statement: str) -> bool:
    """Return whether a step is the statement, as far as placeholders let it be seen."""
    alike = sql.first_word(step.sql) == sql.first_word(statement)
    return alike or _plain(statement) in _plain(step.sql)


def _plain(statement: str) -> str:
    return "".join(statement.split()).rstrip(";").lower()


def _seen(steps: Sequence[Step], traced: Traced) -> str:
    return "; ".join(dict.fromkeys(step.error or describe(step, traced.old) for step in steps))
