"""`lint`: what revisions would stop or break."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from alembic.util.exc import CommandError

from migrator import lint
from migrator.config.context import Context
from migrator.console import argument, note, say
from migrator.errors import RefusedError, UsageError
from migrator.lint import output, ranges
from migrator.proof import whole_history
from migrator.proof.proof import NotProved
from migrator.revisions import graph


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "range",
        nargs="?",
        type=argument,
        metavar="FROM..TO",
        help="or one revision; base..head checks each by itself (default: pending)",
    )
    parser.add_argument(
        "--base",
        type=argument,
        metavar="REF",
        help="the revisions this branch adds to the commit REF",
    )
    parser.add_argument(
        "--no-trace", action="store_true", help="do not try them on a shadow database"
    )
    parser.add_argument(
        "--advise",
        action="store_true",
        help="for make revision: print nothing without a finding; findings are not an error",
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
    if options.range is not None and options.base is not None:
        raise UsageError("Say FROM..TO or --base, not both.")
    if context.target.dialect != "postgresql":
        if not options.advise:
            note(
                "Nothing to lint: lint is about the locks of PostgreSQL; this is another database."
            )
        return
    found = ranges.chosen(context, options.range, options.base)
    try:
        verdict = lint.examine(
            context, found.revisions, together=found.together, traced=not options.no_trace
        )
    except CommandError as error:
        if not options.advise:
            raise
        note(str(error))
        return
    for sentence in verdict.notes:
        note(sentence)
    if shown := output.FORMATS[options.format](verdict):
        say(shown)
    findings = _count(len(verdict.findings), "finding")
    revisions = f"{_count(len(found.revisions), 'revision')} ({found.what})"
    if verdict.findings:
        sentence = (
            f"{findings} in {revisions}. Change them, or suppress one in its revision with the"
            " comment `# migrator: allow RULE because REASON`."
        )
        if not options.advise:
            raise RefusedError(sentence)
        note(sentence)
    elif not options.advise:
        note(f"{findings} in {revisions}.")
    if options.base is not None and found.revisions and not verdict.findings:
        _prove(context, [script.revision for script in found.revisions])


def _prove(context: Context, revisions: Sequence[str]) -> None:
    """Prove what a branch adds: up, down, up, with rows in the tables.

    Raises:
        RefusedError: one of them is wrong.
    """
    for each in whole_history.prove(context, revisions):
        for sentence in each.notes:
            note(f"{each.script.revision}: {sentence}")
        if each.problem:
            raise NotProved(
                f"{graph.describe(each.script)}: {each.problem} If it cannot be reverted, say so in"
                ' its file: irreversible = "why".',
                each.details,
            )
    note(f"{_count(len(revisions), 'revision')} proved on a shadow database, up, down and up.")


def advice(of: str) -> Namespace:
    """Return the options with which `make revision` runs this; `of` is FROM..TO."""
    return Namespace(range=of, base=None, no_trace=False, advise=True, format="people")


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
