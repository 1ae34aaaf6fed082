"""`check`: compare the database with this code, for the start of an application."""

import json
from argparse import ArgumentParser, Namespace

from migrator import database
from migrator.config.context import Context
from migrator.console import say
from migrator.revisions import expectation, pending
from migrator.revisions.pending import Plan


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument(
        "--allow-ahead",
        action="store_true",
        default=None,
        help="accept a database that newer code has migrated, as during a rollout",
    )


def run(context: Context, options: Namespace) -> None:
    """Print where the database is; see `revisions.pending.make` and `expected` for the errors."""
    with database.connect(context, only_looks=True) as connection:
        found = pending.make(context, connection)
    show(found, as_json=options.json)


def show(found: Plan, *, as_json: bool) -> None:
    """Print whether the database is where this code expects it.

    Raises:
        PendingError: it is not.
    """
    if not as_json:
        say(expectation.expected(found))
        return
    say(
        json.dumps(
            found.as_dict() | {"as_expected": expectation.is_expected(found)}, ensure_ascii=False
        )
    )
    expectation.expected(found)
