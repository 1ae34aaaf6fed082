"""`lint`: what revisions would stop or break."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from alembic.util.exc import CommandError

from migrator import lint
from migrator.config.context import Context
from migrator.console import argument, note, say
from migrator.errors import RefusedError, UsageError, counted
from migrator.lint import output, ranges, schema_changes
from migrator.lint.output import Report
from migrator.lint.ranges import Range
from migrator.proof import whole_history
from migrator.proof.proof import NotProved
from migrator.revisions import description

CHANGE = (
    "Change them, or suppress one in its revision with the comment `# migrator: allow RULE because"
    " REASON`."
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "range",
        nargs="?",
        type=argument,
        metavar="FROM..TO",
        help="or one revision; base..head checks each by itself (default: what the branch adds to"
        " the main branch; if that is nothing, what is pending)",
    )
    parser.add_argument(
        "--base",
        type=argument,
        metavar="REF",
        help="the revisions this branch adds to the commit REF",
    )
    parser.add_argument(
        "--added",
        action="store_true",
        help="for make check: what the branch adds, without a look at the database in use",
    )
    parser.add_argument(
        "--no-trace",
        action="store_true",
        help="do not try them on a shadow database: no server is needed with --base or --added",
    )
    parser.add_argument(
        "--advise",
        action="store_true",
        help="for make revision: print nothing without a finding; findings are not an error",
    )
    parser.add_argument(
        "--review",
        type=Path,
        metavar="FILE",
        help="also write what --format markdown writes to FILE",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--format", choices=output.FORMATS, default="people")
    shape.add_argument("--json", action="store_const", const="json", dest="format")


def run(context: Context, options: Namespace) -> None:
    """Show the findings.

    Raises:
        RefusedError: there are any.
        UsageError: there is no such revision.
        CommandError: they cannot be checked; with --advise only a note.
    """
    if options.base is not None and (options.range is not None or options.added):
        raise UsageError("Say FROM..TO, --base or --added, not two of them.")
    if context.target.dialect != "postgresql":
        if not options.advise:
            note(
                "Nothing to lint: lint is about the locks of PostgreSQL; this is another database."
            )
        return
    found = ranges.chosen(context, options.range, options.base, added=options.added)
    try:
        if options.advise:
            lint.accept_written(context, found.revisions)
        report = _report(context, found, options)
    except CommandError as error:
        if not options.advise:
            raise
        note(str(error))
        return
    for sentence in report.verdict.notes:
        note(sentence)
    shown = output.FORMATS[options.format](report)
    if shown and (report.verdict.findings or not options.advise):
        say(shown)
    if options.review:
        options.review.write_text(output.FORMATS["markdown"](report) + "\n", "utf-8")
    if found.why and found.revisions:
        note(found.why)
    if report.verdict.findings:
        sentence = f"{report} {CHANGE}"
        if not options.advise:
            raise RefusedError(sentence)
        note(sentence)
    elif not options.advise:
        note(str(report))
    if found.base and not options.added and not options.no_trace and not report.verdict.findings:
        _prove(context, [script.revision for script in found.revisions])


def _report(context: Context, found: Range, options: Namespace) -> Report:
    traced = not options.no_trace
    verdict = lint.examine(
        context,
        found.revisions,
        together=found.together,
        traced=traced,
        at_database=found.pending,
    )
    if not (options.review or options.format == "markdown") or not traced:
        return Report(found, verdict)
    return Report(found, verdict, schema_changes.read(context, found.revisions))


def _prove(context: Context, revisions: Sequence[str]) -> None:
    """Prove what a branch adds: up, down, up, with rows in the tables.

    Raises:
        RefusedError: one of them is wrong.
    """
    if not revisions:
        return
    for each in whole_history.prove(context, revisions):
        for sentence in each.notes:
            note(f"{each.script.revision}: {sentence}")
        if each.problem:
            raise NotProved(
                f"{description.line(each.script)}: {each.problem} If it cannot be reverted, say so"
                ' in its file: irreversible = "why".',
                each.details,
            )
    proved = counted(len(revisions), "revision")
    note(f"{proved} proved on a shadow database, up, down and up.")


def advice(of: str) -> Namespace:
    """Return the options with which `make revision` runs this; `of` is FROM..TO."""
    return Namespace(
        range=of,
        base=None,
        added=False,
        no_trace=False,
        advise=True,
        review=None,
        format="people",
    )
