"""`plan`: what a deploy would apply."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from migrator import database
from migrator.commands.deploy import allowances
from migrator.config.context import Context
from migrator.console import argument, say
from migrator.deploy import value_losses
from migrator.errors import PendingError
from migrator.revisions import graph, pending, sql_file


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--to", type=argument, default="head", metavar="REV", help="default: %(default)s"
    )
    parser.add_argument(
        "--sql", type=Path, metavar="FILE", help="write what would run into this file"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    allowances(parser)


def run(context: Context, options: Namespace) -> None:
    """Show it.

    Raises:
        PendingError: there is something to apply.
    """
    revisions = graph.load(context)
    with database.connect(context, anywhere=True) as connection:
        found = pending.make(context, connection, options.to, revisions)
    if options.json:
        losses = {"value_losses": [*map(asdict, value_losses.find(context, found.pending))]}
        say(json.dumps(found.as_dict() | losses, ensure_ascii=False))
    elif found.pending:
        say(f"The database is at {found.at}; these would be applied:")
        for script in found.pending:
            say(f"  {graph.describe(script)}")
        for each in value_losses.find(context, found.pending):
            say(f"  {each}")
    else:
        ahead = ", ahead of this code" if found.ahead else ""
        say(f"Nothing is pending: the database is at {found.at}{ahead}.")
    if options.sql and not found.ahead:
        start = found.current[0] if found.current else "base"
        written = sql_file.write(context, options.sql, start, options.to)
        if not options.json:
            name = argument(str(options.sql))
            say(f"Wrote {name}: {written}." if written else f"Nothing to write into {name}.")
    if found.pending:
        raise PendingError(f"{len(found.pending)} pending up to {found.target}.")
