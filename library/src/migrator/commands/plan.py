"""`plan`: what a deploy would apply."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from migrator import database
from migrator.commands.deploy import allowances
from migrator.config.context import Context
from migrator.console import argument, say, wrap
from migrator.deploy import conversion_check, violation_check
from migrator.errors import PendingError
from migrator.revisions import description, graph, pending, rehearsed, sql_file
from migrator.revisions.rehearsed import Rehearsed


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
    rehearsals = rehearsed.of(context, found.pending)
    if options.json:
        facts = found.as_dict()
        for each, script in zip(facts["pending"], found.pending, strict=True):
            each["rehearsed"] = _as_json(rehearsals.get(script.revision))
        facts["value_losses"] = [
            *map(asdict, conversion_check.find(context, revisions, found.pending))
        ]
        facts["violations"] = [
            each.data() for each in violation_check.beforehand(context, revisions, found.pending)
        ]
        say(json.dumps(facts, ensure_ascii=False))
    elif found.pending:
        say(f"The database is at {found.at}; these would be applied:")
        for script in found.pending:
            say(f"  {description.line(script)}")
            if each := rehearsals.get(script.revision):
                for line in wrap(each.described, " " * 6):
                    say(line)
        for loss in conversion_check.find(context, revisions, found.pending):
            say(f"  {loss}")
        for rows in violation_check.beforehand(context, revisions, found.pending):
            say(f"  {rows.revision} would fail: {rows}. To find the rows:\n    {rows.query}")
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


def _as_json(each: Rehearsed | None) -> dict[str, object] | None:
    if each is None:
        return None
    names = ("seconds", "strongest_lock", "wal_bytes", "disk_bytes")
    facts = {name: each.facts[name] for name in names}
    started = each.started_at.isoformat(timespec="seconds")
    return {"started_at": started, "source": each.source, **facts}
