"""`log`: what deploys have done to this database."""

import json
from argparse import ArgumentParser, Namespace

from migrator import database
from migrator.config.context import Context
from migrator.console import say, table, wrap
from migrator.revisions import log

HEADER = ("when (UTC)", "revision", "direction", "seconds", "attempts", "waited", "who", "from")


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--limit", type=int, default=20, metavar="N", help="the number of lines (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def run(context: Context, options: Namespace) -> None:
    """Print the newest lines of the migration log, newest first, and why a deploy failed."""
    with database.connect(context, anywhere=True) as connection:
        found = log.lines(connection, options.limit)
    if options.json:
        say(json.dumps({"entries": [log.as_dict(line) for line in found]}, ensure_ascii=False))
        return
    if not found:
        say("The migration log is empty: no deploy has changed this database.")
        return
    rows = [
        (
            f"{line.started_at:%Y-%m-%d %H:%M:%S}",
            line.revision or "-",
            line.direction,
            f"{line.seconds:.2f}",
            str(line.attempts),
            f"{line.waited:.1f}",
            line.who,
            f"{line.host} {line.code_commit[:10]}",
        )
        for line in found
    ]
    header, *lines = table(HEADER, rows).splitlines()
    say(header)
    for text, line in zip(lines, found, strict=True):
        say(text)
        if line.failure:
            failure = f"{line.failure['step']}: {line.failure['reason']}"
            say("\n".join(wrap(failure, indent=" " * 4)))
