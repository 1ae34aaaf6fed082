"""`sql`: write the SQL of an upgrade to a file."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator.config.context import Context
from migrator.console import argument, say
from migrator.revisions import sql_file


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--from",
        type=argument,
        dest="start",
        metavar="REV",
        help="default: the revision of the database",
    )
    parser.add_argument(
        "--to", type=argument, default="head", metavar="REV", help="default: %(default)s"
    )
    parser.add_argument("--output", type=Path, default=Path("migration.sql"), metavar="FILE")


def run(context: Context, options: Namespace) -> None:
    """Write the file, and print what it contains."""
    written = sql_file.write(context, options.output, options.start, options.to)
    if written:
        say(f"Wrote {argument(str(options.output))}: {written}.")
    else:
        say("Nothing to write: there is no revision to apply.")
