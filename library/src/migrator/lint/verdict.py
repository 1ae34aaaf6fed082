"""The verdict about revisions: findings, those that are suppressed, those that are dismissed."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import make_url

from migrator import shadow, trace
from migrator.config.context import Context
from migrator.errors import counted
from migrator.lint import (
    before,
    change,
    rendering,
    safe_form,
    source,
    sql_findings,
    suppressions,
    trial,
)
from migrator.lint.finding import Finding
from migrator.lint.rendering import Rendered
from migrator.lint.rules import ALL
from migrator.lint.trial import Compared, Problem
from migrator.revisions import graph, unreadable
from migrator.trace import Traced

WITHOUT = "tried without rows, because a revision cannot work with generated ones"
SHOWN = 5  # names of tables in a sentence
NOWHERE = make_url("postgresql+psycopg://nowhere.invalid/nowhere")


@dataclass(frozen=True)
class Verdict:
    """What has to be changed or suppressed, what is suppressed, what the trace has dismissed.

    `notes` are sentences about what the trace could not try, `traced` is what it saw; without a
    trace it is empty. `rendered` has the statements of the revisions, oldest first.
    """

    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()
    dismissed: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    rendered: tuple[Rendered, ...] = ()
    traced: tuple[Traced, ...] = ()

    @property
    def scripts(self) -> list[Script]:
        """The revisions, oldest first."""
        return [each.script for each in self.rendered]

    def of(self, script: Script) -> "Verdict":
        """Return what is about one revision."""
        findings, suppressed, dismissed = (
            tuple(each for each in some if each.revision == script.revision)
            for some in (self.findings, self.suppressed, self.dismissed)
        )
        rendered = tuple(each for each in self.rendered if each.script is script)
        traced = tuple(each for each in self.traced if each.script is script)
        return Verdict(findings, suppressed, dismissed, (), rendered, traced)


def for_deploy(
    context: Context, revisions: Sequence[Script]
) -> tuple[list[Finding], list[Finding]]:
    """Return what is wrong with pending revisions by their SQL, and what only a trace can tell.

    The schema that they meet is read from the database. A deploy tries nothing: what a trace has
    dismissed in CI may be suppressed in the revision, too.

    Raises:
        CommandError: env.py failed.
    """
    found = examine(context, revisions, traced=False, at_database=True).findings
    certain = [finding for finding in found if not ALL[finding.rule].undecided_at_deploy]
    return certain, [finding for finding in found if ALL[finding.rule].undecided_at_deploy]


def examine(
    context: Context,
    revisions: Sequence[Script],
    *,
    together: bool = True,
    traced: bool = True,
    at_database: bool = False,
) -> Verdict:
    """Check revisions, oldest first.

    Args:
        together: they are deployed at once, so that what one creates is empty for the next; else
            each is judged as if it came alone.
        traced: try them on a shadow database, too.
        at_database: the database of `context` is where they come next; what it has is known from
            its catalog, and not from the SQL of earlier revisions.

    Raises:
        CommandError: env.py or the shadow database failed.
    """
    if not revisions or context.target.dialect != "postgresql":
        return Verdict(())
    directory = graph.load(context, tolerant=True)
    lost = [each for each in before.ancestors(directory, revisions) if unreadable.reason(each)]
    seen = trace.run(context, revisions, together=together) if traced and not lost else None
    compared, rendered = _compared(context, directory, revisions, seen, together, at_database)
    whole = {each.script.revision for each in seen or () if not each.failure}
    everything: list[Finding] = []
    for script in revisions:
        path = str(script.module.__file__)
        comments = suppressions.read(path)
        unused: set[str] = set()
        if script.revision in whole:
            unused = suppressions.reasons(comments).keys() - _rules(compared, script)
        if unused and together and len(revisions) > 1:
            unused -= _rules_alone(context, directory, script)
        tried = next((each for each in seen or () if each.script is script), None)
        mine = (each for each in compared.findings if each.revision == script.revision)
        own = [_shown(each, tried) for each in mine]
        everything += suppressions.apply(own, comments, script.revision, path, unused)
    return Verdict(
        tuple(finding for finding in everything if not finding.suppressed),
        tuple(finding for finding in everything if finding.suppressed),
        compared.dismissed,
        (*_notes_of_lost(lost, traced=traced), *notes_of(seen or ())),
        tuple(rendered),
        tuple(seen or ()),
    )


def _notes_of_lost(lost: Sequence[Script], *, traced: bool) -> list[str]:
    """Return what is less certain because of earlier revisions that cannot be imported."""
    if not lost:
        return []
    first, *others = lost
    more = f" and {counted(len(others), 'other revision')}" if others else ""
    untried = ", so that none of these can be tried on a shadow database" if traced else ""
    why = f"{Path(str(first.module.__file__)).name} ({unreadable.reason(first)})"
    return [f"{why}{more} cannot be imported; it comes before these{untried}."]


def notes_of(traced: Sequence[Traced]) -> list[str]:
    """Return sentences about what a trace could not try, each once."""
    notes = dict.fromkeys(f"{each.script.revision}: {n}" for each in traced for n in each.notes)
    tables = list(dict.fromkeys(name for each in traced for name in each.without_rows))
    if not tables:
        return [*notes]
    if "*" in tables:  # see trace.rejected_rows
        return [*notes, f"All tables {WITHOUT}."]
    shown = ", ".join(sorted(tables)[:SHOWN])
    more = f" and {len(tables) - SHOWN} more" if len(tables) > SHOWN else ""
    return [*notes, f"{counted(len(tables), 'table')} {WITHOUT}: {shown}{more}."]


def accept_written(context: Context, revisions: Sequence[Script]) -> None:
    """Suppress, in revisions that `make revision` has just written, what it may break.

    Raises:
        CommandError: as for `examine`.
    """
    found = examine(context, revisions, traced=False).findings
    for path, name in sorted({(each.path, each.rule) for each in found}):
        if reason := ALL[name].written:
            suppressions.write(path, name, reason)


def open_problems(context: Context, seen: Sequence[Traced], *, together: bool) -> list[Problem]:
    """Return what a trace has against revisions and no comment suppresses.

    A comment may name the rule of the trace, or what lint says of the same statement.
    """
    comments = {
        each.script.revision: suppressions.reasons(
            suppressions.read(str(each.script.module.__file__))
        ).keys()
        for each in seen
    }
    found = [
        (each, problem)
        for each in seen
        for problem in trial.problems(each)
        if problem.rule.name not in comments[each.script.revision]
    ]
    compared = Compared(())
    if any(comments[each.script.revision] for each, _ in found):
        with suppress(CommandError):
            directory = graph.load(context, tolerant=True)
            scripts = [each.script for each in seen]
            compared, _ = _compared(context, directory, scripts, seen, together)
    left = []
    for each, problem in found:
        own = [said for said in compared.findings if said.revision == each.script.revision]
        said = {finding.rule for finding in trial.said(problem, each, own)}
        if not said & comments[each.script.revision]:
            left.append(problem)
    return left


def _compared(
    context: Context,
    directory: ScriptDirectory,
    revisions: Sequence[Script],
    seen: Sequence[Traced] | None,
    together: bool,
    at_database: bool = False,
) -> tuple[Compared, list[Rendered]]:
    same_change = {each.revision: change.earlier(directory, each) for each in revisions}
    more = [each for earlier in same_change.values() for each in earlier]
    scripts = {each.revision: each for each in (*more, *revisions)}
    rendered = rendering.with_traced(_rendered(context, directory, [*scripts.values()]), seen or ())
    by_name = {each.script.revision: each for each in rendered}
    wanted = [by_name[each.revision] for each in revisions]
    parts = {
        name: [by_name[each.revision] for each in earlier] for name, earlier in same_change.items()
    }

    history = before.in_database(context, wanted) if at_database else None
    if history is None:
        render = partial(_rendered, context, directory)
        history = before.in_revisions(directory, revisions, render)
    found = sql_findings.find(wanted, parts, history, together=together)
    compared = Compared(tuple(found)) if seen is None else trial.compare(found, wanted, seen)
    return compared, wanted


def _rendered(
    context: Context, directory: ScriptDirectory, scripts: Sequence[Script]
) -> list[Rendered]:
    if context.settings.production:  # the deploy goes on in this process, with that URL
        return rendering.render(context, directory, scripts)
    # A revision that opens a connection of its own must not change the database in use.
    with shadow.fenced(context, NOWHERE) as own:
        return rendering.render(own, directory, scripts)


def _rules(compared: Compared, script: Script) -> set[str]:
    everything = (*compared.findings, *compared.dismissed)
    return {finding.rule for finding in everything if finding.revision == script.revision}


def _rules_alone(context: Context, directory: ScriptDirectory, script: Script) -> set[str]:
    """Return what counts when the revision is deployed alone: tables that are new here are old."""
    seen = trace.run(context, [script])
    return _rules(_compared(context, directory, [script], seen, together=True)[0], script)


def _shown(finding: Finding, traced: Traced | None) -> Finding:
    """Return a finding with its safe form; an error of Python shows the line of the revision."""
    steps = trial.steps_of(finding, traced) if traced else []
    statement = finding.statement
    if of_python := any(step.of_python for step in steps):
        statement = source.statement(finding.path, finding.line) or statement
    tables = {step.names.get(oid, "") for step in steps for oid, _ in step.locks} - {""}
    code = safe_form.write(finding.safe, statement, tables)
    return replace(finding, statement=statement, code=code, of_python=of_python)
