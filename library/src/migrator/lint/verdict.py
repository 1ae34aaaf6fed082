"""The verdict about revisions: findings, those that are suppressed, those that are dismissed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alembic.script import Script, ScriptDirectory

from migrator import trace
from migrator.config.context import Context
from migrator.lint import (
    before,
    notes,
    revision_findings,
    safe_form,
    source,
    suppressions,
    trial,
)
from migrator.lint.finding import Finding
from migrator.lint.rendering import Rendered
from migrator.lint.rules import ALL
from migrator.lint.trial import Compared
from migrator.revisions import graph, unreadable
from migrator.trace import Traced


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
    compared, rendered = revision_findings.find(
        context, directory, revisions, seen, together=together, at_database=at_database
    )
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
        (*notes.of_lost(lost, traced=traced), *notes.of_trace(seen or ())),
        tuple(rendered),
        tuple(seen or ()),
    )


def accept_written(context: Context, revisions: Sequence[Script]) -> None:
    """Suppress, in revisions that `make revision` has just written, what it may break.

    Raises:
        CommandError: as for `examine`.
    """
    found = examine(context, revisions, traced=False).findings
    for path, name in sorted({(each.path, each.rule) for each in found}):
        if reason := ALL[name].written:
            suppressions.write(path, name, reason)


def _rules(compared: Compared, script: Script) -> set[str]:
    everything = (*compared.findings, *compared.dismissed)
    return {finding.rule for finding in everything if finding.revision == script.revision}


def _rules_alone(context: Context, directory: ScriptDirectory, script: Script) -> set[str]:
    """Return what counts when the revision is deployed alone: tables that are new here are old."""
    seen = trace.run(context, [script])
    compared, _ = revision_findings.find(context, directory, [script], seen, together=True)
    return _rules(compared, script)


def _shown(finding: Finding, traced: Traced | None) -> Finding:
    """Return a finding with its safe form; an error of Python shows the line of the revision."""
    steps = trial.steps_of(finding, traced) if traced else []
    statement = finding.statement
    if of_python := any(step.of_python for step in steps):
        statement = source.statement(finding.path, finding.line) or statement
    tables = {step.names.get(oid, "") for step in steps for oid, _ in step.locks} - {""}
    code = safe_form.write(finding.safe, statement, tables)
    return replace(finding, statement=statement, code=code, of_python=of_python)
