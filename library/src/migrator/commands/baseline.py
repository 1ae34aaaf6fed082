"""`baseline`: adopt an existing database."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from migrator.config import urls
from migrator.config.context import Context
from migrator.console import argument, confirmed, note, say
from migrator.history import baseline

LEFT_OUT = "Left out: grants to roles, passwords, and what accepted_drift.toml leaves to others:"


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "-m", "--message", type=argument, required=True, help="message of the revision"
    )
    parser.add_argument(
        "--yes", action="store_true", help="stamp the database without confirmation"
    )
    parser.add_argument(
        "--beside",
        action="store_true",
        help="keep existing models of tables that are in the database",
    )
    parser.add_argument(
        "--shadow",
        type=argument,
        metavar="URL",
        help="create shadow databases on the server of this URL; default: the server of the"
        " database",
    )


def run(context: Context, options: Namespace) -> None:
    """Write models and a first revision, and stamp the database."""
    file = baseline.prepare(context, options.beside)
    result = baseline.run(context, options.message, file, options.shadow)
    if result.why:
        note(f"The revision contains only SQL, because Alembic's operations failed: {result.why}")
    listed(
        "Written as SQL, because Alembic has no operation for it or for what it belongs to:",
        result.carried,
    )
    listed(LEFT_OUT, result.left_out)
    say("Proved: the revision creates the same schema on an empty database.")
    say(f"Wrote {result.path.name} and a draft of the models, {result.models.name}.")
    listed("Models cannot describe this, so accepted_drift.toml accepts it:", result.differences)
    if result.problem:
        note(f"Fix the models until `make check-migrations` succeeds: {result.problem}")
    if result.missing:
        note(
            f"The development server does not have the extensions {', '.join(result.missing)}, so"
            " `make check`, `make test` and `make reset` fail there. Set sqlalchemy.url in"
            f" {context.ini} to a server that has them."
        )
    shown = urls.shown(context.target.url)
    if options.yes or confirmed(f"Stamp {shown} with revision {result.revision}?"):
        baseline.stamp(context, result.revision)
        say(f"{shown} is at {result.revision}; nothing else in it was changed.")
    else:
        say("The database was not changed. To stamp it with the new revision:")
        say(f"  python -m alembic stamp {result.revision}")


def listed(title: str, lines: Sequence[str]) -> None:
    """Print lines below their title, if there are any."""
    if lines:
        say(title)
        for line in lines:
            say(f"  {line}")
