"""`redo`: revert the newest revisions and apply them again, in development."""

from argparse import ArgumentParser, Namespace

from alembic import command

from migrator import database
from migrator.config.context import Context
from migrator.console import note, say
from migrator.database import development_only
from migrator.errors import UsageError
from migrator.revisions import description, position, way_back


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "-n", type=int, default=1, metavar="N", help="how many revisions (%(default)s)"
    )


def run(context: Context, options: Namespace) -> None:
    """Revert the newest revisions of a development database, and apply them again.

    Raises:
        RefusedError: it is not a development database.
        UsageError: there are not as many revisions to revert.
    """
    development_only.refuse_production(context, "redo")
    if options.n < 1:
        raise UsageError(f"redo reverts one revision or more (n=1), not {options.n}.")
    with database.connect(context) as connection:
        current = position.current_heads(connection)
        going = way_back.find(context, connection, f"-{options.n}")
        context.config.attributes["connection"] = connection
        try:
            command.downgrade(context.config, going.target)
            for script in going.pending:
                say(f"Reverted {description.line(script)}")
            for head in current:
                command.upgrade(context.config, head)
        except BaseException:
            connection.rollback()
            at = ", ".join(position.current_heads(connection)) or "base"
            note(f"redo failed, and the database is at {at}; `make migrate` goes on from there.")
            raise
        for script in reversed(going.pending):
            say(f"Applied {description.line(script)}")
        say(f"The database is at {', '.join(current)}, as before.")
