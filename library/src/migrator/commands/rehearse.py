"""`rehearse`: deploy to a copy of the data, and report what it costs."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator.config.context import Context
from migrator.config.imports import relative
from migrator.console import argument, note, say
from migrator.errors import MigratorError, UsageError
from migrator.rehearsal import markdown, rehearsal, text
from migrator.rehearsal.rehearsal import Asked
from migrator.rehearsal.source import NOW

FORMATS = ("people", "json", "markdown")


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--from",
        dest="given",
        type=argument,
        metavar="FILE",
        help=f"a backup, or the word {NOW}: copy the database as it is now (default: its newest"
        " backup; without one, the same as the word)",
    )
    parser.add_argument(
        "--to", type=argument, default="head", metavar="REV", help="stop at this revision"
    )
    parser.add_argument(
        "--sql-after-restore",
        type=argument,
        metavar="FILE",
        help="run this file on the copy before anything else, for example to mask values",
    )
    parser.add_argument(
        "--load",
        type=argument,
        metavar="FILE",
        help="deploy a second time while clients of pgbench repeat the transaction in this file,"
        " and report what they noticed",
    )
    parser.add_argument(
        "--show-values",
        action="store_true",
        help="print the values of rows that violate what a revision adds, a few of each; they are"
        " not kept",
    )
    parser.add_argument("--format", choices=FORMATS, default="people", help="default: %(default)s")
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="--format json"
    )


def run(context: Context, options: Namespace) -> None:
    """Rehearse, and report.

    Raises:
        MigratorError: the deploy fails on the copy.
        UsageError: values of rows are asked for in what others read.
    """
    if options.show_values and options.format == "markdown":
        raise UsageError(
            "--show-values prints rows of your users, and --format markdown is for a pull request,"
            " which others read: leave out one of them."
        )
    files = (options.sql_after_restore, options.load)
    masking, load = (Path(each) if each else None for each in files)
    asked = Asked(options.given, options.to, masking, load, options.show_values)
    result, kept = rehearsal.run(context, asked)
    if options.format == "json":
        say(json.dumps(result.as_dict(values=True), ensure_ascii=False, indent=2, default=str))
    else:
        form = markdown if options.format == "markdown" else text
        for line in form.lines(result):
            say(line)
    note(f"Kept in {relative(str(kept))}. The copy is removed.")
    if result.load and result.load["failure"]:
        raise MigratorError("the deploy under load could not be rehearsed; the report says why.")
    if result.failure:
        raise MigratorError("the deploy fails on the copy; the report says why.")
