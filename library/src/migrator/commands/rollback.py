"""`rollback`: revert revisions."""

import sys
from argparse import ArgumentParser, Namespace

from migrator.commands.deploy import common, reporting
from migrator.config.context import Context
from migrator.console import argument, note
from migrator.deploy import rollback
from migrator.deploy.deployment import Options
from migrator.deploy.rollback_preview import Preview
from migrator.errors import RefusedError, UsageError
from migrator.revisions import description
from migrator.revisions.pending import Plan


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--to",
        type=argument,
        required=True,
        metavar="REV",
        help="the revision to go back to, base, or -1 and so on for steps",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    common(parser, rollback.STEPS)


def run(context: Context, options: Namespace) -> None:
    """Show what it would run and what data would go, ask, and do it."""

    def confirm(going: Plan, shown: Preview | None) -> None:
        note(f"Back from {going.at} to {going.ends_at}:")
        for script in going.pending:
            note(f"  reverts {description.line(script)}")
        if shown is None:
            note("The SQL cannot be shown: a revision reads the database, or it is SQLite.")
        else:
            note(f"\n{shown.sql.strip()}\n")
            for loss in shown.losses or ("no table or column of data",):
                note(f"  would be lost: {loss}")
        if options.yes:
            return
        if not sys.stdin.isatty():
            raise UsageError(
                "Nothing was changed: without a terminal to ask on, confirm with yes=1 (--yes)."
            )
        if input("Type yes to revert: ").strip() != "yes":
            raise RefusedError("Cancelled; nothing was changed.")

    chosen = Options(to=options.to, without=options.without, now=options.now)
    with reporting(as_json=options.json) as report:
        rollback.run(context, chosen, report, confirm)
