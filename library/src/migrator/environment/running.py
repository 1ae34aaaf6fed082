"""What surrounds Alembic's run of env.py: UTF-8, the log, exit codes and the connection."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from logging.config import fileConfig

from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from migrator import console, database
from migrator.config import application, histories
from migrator.config.context import Context
from migrator.database import statement_log, version_schema
from migrator.environment import command, guards
from migrator.errors import MigratorError
from migrator.revisions import deploy_lock, deploy_lock_postgres, position


@contextmanager
def running(config: Config) -> Iterator[None]:
    """Give the `alembic` command a log, the documented exit codes, and its limits.

    Raises:
        UsageError: a revision would be written with the ini file of production.
        RefusedError: a downgrade or a stamp was typed with it.
        LockTimeout: an upgrade was, and a deploy has the lock.
        MigratorError: the database is at a revision that this code does not have.
    """
    console.start()
    # Only for the alembic command: a program that calls Alembic has its own logging.
    if config.config_file_name and command.running(config).typed:
        fileConfig(config.config_file_name, disable_existing_loggers=False, encoding="utf-8")
        console.verbosity.use()  # as make has it
        statement_log.show()
    runs = command.running(config)
    with console.exit_codes(config):
        context = Context.of(config)
        histories.use(config)
        guards.refuse_in_production(context, runs)
        application.enter(config)
        by_hand = runs.typed == "upgrade" and context.settings.production and not runs.offline
        upgrades = runs.typed == "upgrade" and not runs.offline
        if upgrades:
            _make_schema_of_versions(config)
        with (
            _missing_revisions(context),
            _only_deployer(context) if by_hand else nullcontext(),
            _never_silent(config) if upgrades else nullcontext(),
        ):
            yield


def _make_schema_of_versions(config: Config) -> None:
    """Make the schema of the version table of a history that has one of its own."""
    if config.config_ini_section != histories.MAIN:
        with connection(config) as connected:
            version_schema.make(connected)


@contextmanager
def _missing_revisions(context: Context) -> Iterator[None]:
    """Say where the file of a revision is that the database is at, instead of Alembic's error."""
    try:
        yield
    except CommandError as error:
        if not isinstance(error, MigratorError) and isinstance(error.__cause__, ResolutionError):
            with connection(context.config) as connected:
                position.refuse_missing(context, connected)
        raise


@contextmanager
def _never_silent(config: Config) -> Iterator[None]:
    """Say that an upgrade had nothing to do."""
    before = _heads(config)
    yield
    if (heads := _heads(config)) == before:
        console.note(f"Nothing to do: the database is at {', '.join(heads) or 'base'}.")


def _heads(config: Config) -> tuple[str, ...]:
    with connection(config) as connected:
        return position.current_heads(connected)


@contextmanager
def _only_deployer(context: Context) -> Iterator[None]:
    """Hold the deploy lock for a typed `alembic upgrade`, and say what it does not do."""
    console.note(
        "alembic upgrade takes the deploy lock and the session limits only; `make deploy` also"
        " checks the revisions, makes a backup, waits for blockers, retries after a lock timeout,"
        " verifies the result and writes the migration log."
    )
    with deploy_lock.only_deployer(context, console.note) as control:
        if control is not None:
            deploy_lock_postgres.backup_is_over(control)
        yield


def connection(config: Config) -> AbstractContextManager[Connection]:
    """Return a connection to the database that `config` names; see `database.connect`.

    Where it goes is looked at in `options.online`, which an env.py may call with another one.
    """
    return database.connect(Context.of(config), anywhere=True)
