"""`history-graph`: write a page that shows the revisions as a graph, and what each one changes."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator.config.context import Context
from migrator.console import argument, note, say
from migrator.diagrams import history_page
from migrator.errors import UsageError, counted
from migrator.history import overview

FILE = "history.html"
NEWEST = 100


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--output", type=Path, metavar="FILE", help=f"default: {FILE}")
    parser.add_argument(
        "--newest",
        type=int,
        default=NEWEST,
        metavar="NUMBER",
        help="of how many revisions to show the tables before and after (default: %(default)s);"
        " 0 shows only the SQL, and needs no server",
    )


def run(context: Context, options: Namespace) -> None:
    """Write the page.

    Raises:
        UsageError: it cannot be written.
    """
    history = overview.collect(context, max(options.newest, 0))
    file = options.output or context.folder / FILE
    name = argument(str(options.output or FILE))
    try:
        file.write_text(history_page.write(history), "utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {os.strerror(error.errno or 0)}.") from None
    for sentence in history.notes:
        note(sentence)
    say(f"Wrote {name}: {counted(len(history.revisions), 'revision')}. Open it in a browser.")
