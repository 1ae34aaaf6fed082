"""What a typed `alembic` command may not do with an ini file."""

from alembic import context as alembic_context
from alembic.config import Config
from sqlalchemy import Connection

from migrator import database
from migrator.config.context import Context
from migrator.environment.command import Command
from migrator.errors import UsageError

# Typed commands that run env.py and change nothing; a comparison makes the version table.
ONLY_READ = {"current", "edit", "history", "show"}


def refuse_in_production(context: Context, command: Command) -> None:
    """Refuse to write a revision with a configuration that is meant for deploys.

    Raises:
        UsageError: `production = true`, and the command would write a revision.
    """
    if command.writes and context.settings.production:
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
