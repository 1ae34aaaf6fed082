"""What surrounds Alembic's run of env.py: UTF-8, the log, exit codes and the connection."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from logging.config import fileConfig

from alembic.config import Config
from sqlalchemy import Connection

from migrator import console, database
from migrator.config.context import Context
from migrator.environment import command, guards


@contextmanager
def running(config: Config) -> Iterator[None]:
    """Give the `alembic` command a log, the documented exit codes, and its limits.

    Raises:
        UsageError: a revision would be written with the ini file of production.
    """
    console.start()
    # Only for the alembic command: a program that calls Alembic has its own logging.
    if config.config_file_name and command.running(config).typed:
        fileConfig(config.config_file_name, disable_existing_loggers=False, encoding="utf-8")
    with console.exit_codes(config):
        guards.refuse_in_production(Context.of(config), command.running(config))
        yield


def connection(config: Config) -> AbstractContextManager[Connection]:
    """Return a connection to the database that `config` names; see `database.connect`."""
    return database.connect(Context.of(config))
