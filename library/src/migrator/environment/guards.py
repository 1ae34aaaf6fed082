"""What a typed `alembic` command may not do with an ini file."""

from alembic import context as alembic_context
from sqlalchemy import Connection

from migrator.config.context import Context
from migrator.database import development_only
from migrator.environment.command import Command
from migrator.errors import UsageError


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


def refuse_downgrade(context: Context, command: Command, connection: Connection) -> None:
    """Refuse to revert revisions elsewhere with the ini file of development.

    `DATABASE_URL` wins over that file too, and a downgrade shows nothing of what it drops. A
    program that calls Alembic, without a command line, knows where it goes.

    Raises:
        RefusedError: `alembic downgrade` was typed, and the server is not this machine.
    """
    if command.typed == "downgrade" and not context.settings.production:
        named = alembic_context.get_x_argument(as_dictionary=True).get("host")
        development_only.refuse_elsewhere(
            connection, "downgrade", named, "alembic -x host=NAME downgrade"
        )
