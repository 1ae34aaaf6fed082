"""What a trace has against revisions, and no comment suppresses."""

from collections.abc import Sequence
from contextlib import suppress

from alembic.util.exc import CommandError

from migrator.config.context import Context
from migrator.lint import revision_findings, suppressions, trial
from migrator.lint.trial import Compared, Problem
from migrator.revisions import graph
from migrator.trace import Traced


def find(context: Context, seen: Sequence[Traced], *, together: bool) -> list[Problem]:
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
            compared, _ = revision_findings.find(
                context, directory, scripts, seen, together=together
            )
    left = []
    for each, problem in found:
        own = [said for said in compared.findings if said.revision == each.script.revision]
        said = {finding.rule for finding in trial.said(problem, each, own)}
        if not said & comments[each.script.revision]:
            left.append(problem)
    return left
