"""`adopt`: set this tool up in a project that uses Alembic."""

import json
from argparse import ArgumentParser, Namespace

from migrator.adopt import changes, inspection, proposal
from migrator.adopt.adoption import Adoption, Wanted
from migrator.adopt.changes import Change
from migrator.console import argument, confirmed, note, say, wrap
from migrator.errors import MigratorError

INDENT = 15
NEXT = (
    "Next: `{make} lint-migrations` looks at revisions, `{make} revision m=...` writes and proves"
    " them, `{make} deploy` applies them with alembic_prod.ini. `{make} migrations-help` lists all."
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--database-url",
        type=argument,
        default="",
        metavar="URL",
        help="the database to compare with, which is only read (default: DATABASE_URL)",
    )
    parser.add_argument(
        "--shadow",
        type=argument,
        default="",
        metavar="URL",
        help="create the shadow database on the server of this URL; devserver: on PostgreSQL from"
        " a wheel (default: the server of the database if it is on this machine, else devserver)",
    )
    parser.add_argument(
        "--flask-app",
        type=argument,
        default="",
        metavar="NAME",
        help="the application of a Flask project, as in FLASK_APP",
    )
    parser.add_argument(
        "--accept-drift",
        action="store_true",
        help="name the differences of today in accepted_drift.toml",
    )
    parser.add_argument("--yes", action="store_true", help="write without confirmation")
    parser.add_argument(
        "--dirty", action="store_true", help="change files that git could not restore, too"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def context(_options: Namespace) -> None:
    """Return nothing: there may be no ini file of this tool yet."""


def run(_context: None, options: Namespace) -> None:
    """Show what fits and what would be written, and write it after a confirmation.

    Raises:
        MigratorError: the history does not run.
        RefusedError: git could not restore what would be changed.
    """
    found = inspection.look(
        Wanted(
            options.config, options.database_url, options.shadow, options.flask_app, options.host
        )
    )
    ready = found.report.replayed
    proposed = proposal.propose(found, accept_drift=options.accept_drift) if ready else []
    found.report.changes = [{"path": each.name, "diff": each.diff} for each in proposed]
    if options.json:
        _write(found, proposed, options, ask=False)
        say(json.dumps(found.report.as_dict(), indent=2, ensure_ascii=False))
    else:
        for name, text in found.report.words():
            for number, line in enumerate(wrap(text, " " * INDENT)):
                say(f"{name:<{INDENT}}{line[INDENT:]}" if number == 0 else line)
        for each in proposed:
            say(f"\n{each.short}")
        _write(found, proposed, options, ask=True)
    if not ready:
        raise MigratorError(
            "The history does not run on an empty database, so nothing was changed: see replay"
            " above. Fix that first; --shadow URL names another server, with its extensions."
        )


def _write(found: Adoption, proposed: list[Change], options: Namespace, *, ask: bool) -> None:
    if not proposed:
        if ask and found.report.replayed:
            say("\nNothing is to be written.")
        return
    if not options.yes and not ask:
        return
    if not options.dirty:
        changes.refuse_unsaved(found.layout.folder, proposed)
    if not (options.yes or confirmed(f"\nWrite {', '.join(each.name for each in proposed)}?")):
        say("\nNothing was changed. To write this, repeat the command with --yes.")
        return
    changes.write(proposed)
    found.report.written = True
    if ask:
        say("\nWritten. To undo it:")
        for line in changes.undo(proposed):
            say(f"  {line}")
        note(NEXT.format(make="make" if found.layout.makefile else "make -f migrations.mk"))
