"""What revisions would stop or break, before anybody deploys them.

`offline` renders their SQL, `squawk` reads it, `judging` adds what squawk cannot know, the trace
(migrator/trace) tries them, `acknowledgements` are what people have accepted; here it comes
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import make_url

from migrator import shadow, trace
from migrator.config.context import Context
from migrator.lint import acknowledgements, contract, filling, judging, offline, squawk, tried
from migrator.lint.finding import Finding
from migrator.lint.rules import UNDECIDED
from migrator.lint.squawk import NotInstalled
from migrator.lint.tried import Compared
from migrator.revisions import graph
from migrator.trace import Problem, Traced

NOWHERE = make_url("postgresql+psycopg://nowhere.invalid/nowhere")
__all__ = ["Finding", "NotInstalled", "Verdict", "examine", "for_deploy", "open_problems"]
__all__ += ["verdict"]


@dataclass(frozen=True)
class Verdict:
    """What has to be changed or accepted, what was accepted, what the trace cleared.

    `notes` are sentences about what the trace could not try.
    """

    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...] = ()
    cleared: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def verdict(context: Context, revisions: Sequence[Script]) -> list[Finding]:
    """Return what squawk, the trace and we say against revisions, oldest first; empty is good.

    Raises:
        NotInstalled: there is no squawk here.
        MigratorError: env.py, squawk or the scratch database failed.
    """
    return list(examine(context, revisions).findings)


def for_deploy(
    context: Context, revisions: Sequence[Script]
) -> tuple[list[Finding], list[Finding]]:
    """Return what is wrong with pending revisions by their SQL, and what only a trace can tell.

    A deploy tries nothing. What a trace has cleared in CI may be accepted in the revision, too.

    Raises:
        NotInstalled: there is no squawk here, as usual in production.
        CommandError: env.py or squawk failed.
    """
    found = examine(context, revisions, traced=False).findings
    certain = [finding for finding in found if finding.rule not in UNDECIDED]
    return certain, [finding for finding in found if finding.rule in UNDECIDED]


def examine(
    context: Context, revisions: Sequence[Script], *, together: bool = True, traced: bool = True
) -> Verdict:
    """Look at revisions, oldest first.

    Args:
        together: they are deployed at once, so that what one creates is empty for the next; else
            each is judged as if it came alone.
        traced: try them on a scratch database, too.

    Raises:
        NotInstalled: there is no squawk here.
        CommandError: env.py, squawk or the scratch database failed.
    """
    if not revisions or context.target.dialect != "postgresql":
        return Verdict(())
    squawk.program()
    seen = trace.run(context, revisions, together=together) if traced else None
    compared = _compared(context, revisions, seen, together)
    whole = {each.script.revision for each in seen or () if not each.failure}
    notes = dict.fromkeys(f"{s.script.revision}: {note}" for s in seen or () for note in s.notes)
    everything: list[Finding] = []
    for script in revisions:
        path = str(script.module.__file__)
        comments = acknowledgements.read(path)
        unused: set[str] = set()
        if script.revision in whole:
            unused = set(acknowledgements.accepted(comments)) - _rules(compared, script)
        if unused and together and len(revisions) > 1:
            unused -= _rules_alone(context, script)
        own = [finding for finding in compared.findings if finding.revision == script.revision]
        everything += acknowledgements.apply(own, comments, script.revision, path, unused)
    return Verdict(
        tuple(finding for finding in everything if not finding.accepted),
        tuple(finding for finding in everything if finding.accepted),
        compared.cleared,
        tuple(notes),
    )


def open_problems(context: Context, seen: Sequence[Traced], *, together: bool) -> list[Problem]:
    """Return what a trace has against revisions and nobody has accepted.

    A comment may name the rule of the trace, or what lint says of the same statement; that is
    known only where squawk works.
    """
    try:
        compared = _compared(context, [each.script for each in seen], seen, together)
    except CommandError:
        compared = Compared(())
    found = []
    for each in seen:
        comments = acknowledgements.read(str(each.script.module.__file__))
        rules = acknowledgements.accepted(comments).keys()
        own = [said for said in compared.findings if said.revision == each.script.revision]
        for problem in tried.problems(each):
            names = {problem.rule, *(finding.rule for finding in tried.said(problem, each, own))}
            if not names & rules:
                found.append(problem)
    return found


def _compared(
    context: Context, revisions: Sequence[Script], seen: Sequence[Traced] | None, together: bool
) -> Compared:
    directory = graph.load(context)
    before = {each.revision: contract.earlier(directory, each) for each in revisions}
    more = [each for earlier in before.values() for each in earlier]
    scripts = {each.revision: each for each in (*more, *revisions)}
    rendered = filling.fill(_rendered(context, directory, [*scripts.values()]), seen or ())
    by_name = {each.script.revision: each for each in rendered}
    wanted = [by_name[each.revision] for each in revisions]
    parts = {name: [by_name[each.revision] for each in earlier] for name, earlier in before.items()}
    found = judging.judge(wanted, parts, together=together)
    return Compared(tuple(found)) if seen is None else tried.compare(found, wanted, seen)


def _rendered(
    context: Context, directory: ScriptDirectory, scripts: Sequence[Script]
) -> list[offline.Rendered]:
    if context.settings.production:  # the deploy goes on in this process, with that URL
        return offline.render(context, directory, scripts)
    # A revision that opens a connection of its own must not change the database in use.
    with shadow.configured(context, NOWHERE) as own:
        return offline.render(own, directory, scripts)


def _rules(compared: Compared, script: Script) -> set[str]:
    everything = (*compared.findings, *compared.cleared)
    return {finding.rule for finding in everything if finding.revision == script.revision}


def _rules_alone(context: Context, script: Script) -> set[str]:
    """Return what counts when the revision is deployed alone: tables that are new here are old."""
    return _rules(_compared(context, [script], trace.run(context, [script]), together=True), script)
