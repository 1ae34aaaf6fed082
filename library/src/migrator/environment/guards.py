"""What a typed `alembic` command may not do with an ini file."""

from alembic import context as alembic_context
from alembic.config import Config
from sqlalchemy import Connection

from migrator import database
from migrator.config.context import Context
from migrator.environment.command import Command
from migrator.errors import RefusedError, UsageError

# What a typed command of production does at once.
BY_HAND = {
    "downgrade": "drops tables and columns with their rows, without a question",
    "stamp": "records a revision that nobody has verified",
}
# Typed commands that run env.py and change nothing; a comparison makes the version table.
ONLY_READ = {"current", "edit", "history", "show"}


def refuse_in_production(context: Context, command: Command) -> None:
    """Refuse what a configuration that is meant for deploys is not for.

    Raises:
        UsageError: `production = true`, and the command would write a revision.
        RefusedError: it is a typed downgrade or stamp that is not marked as meant.
    """
    if not context.settings.production:
        return
    if command.typed in BY_HAND and not command.offline:
        given = alembic_context.get_x_argument(as_dictionary=True)
        if given.get("by-hand") != "yes":
            raise RefusedError(
                f"{context.ini} is for deploys, and alembic {command.typed}"
                f" {BY_HAND[command.typed]}. Nothing was changed. To revert revisions, use `make"
                " rollback to=REV`, which shows first what would be lost. If it is meant,"
                " `alembic -x by-hand=yes`"
                f" {command.typed} does it."
            )
    if command.writes:
        raise UsageError(
            f"{context.ini} is for deploys: a revision is written against a"
            ' development database. Run `make revision m="..."`, or alembic without -c.'
        )


def refuse_elsewhere(config: Config, command: Command, connection: Connection) -> None:
    """Refuse to write to a strange server with the ini file of development.

    `DATABASE_URL` wins over that file too, and may be production's. A program that calls Alembic,
    without a command line, knows where it goes.

    Raises:
        RefusedError: a command that may write was typed, and the server is not for development.
    """
    if command.typed and command.typed not in ONLY_READ:
        named = alembic_context.get_x_argument(as_dictionary=True).get("host")
        context = Context.of(config, {"host": named})
        driver_connection = connection.connection.driver_connection
        database.admit(context, driver_connection, connection.engine.url)
