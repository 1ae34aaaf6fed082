"""`python -m migrator`: the commands, their arguments and exit codes (see errors.py)."""

import argparse
import configparser
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError

from migrator import __version__, console, database, deploy, discovery, plan, settings, sql
from migrator.errors import Interrupted, MigratorError, PendingError, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are one sentence on stderr."""
    console.start()
    # A container is stopped with SIGTERM: end as with Ctrl-C, which cancels the statement.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _parser().parse_args(arguments)
    try:
        options.run(_config(options.config), options)
    except CommandError as error:
        console.note(f"{options.command}: {error}")
        return getattr(error, "exit_code", MigratorError.exit_code)
    except DBAPIError as error:
        console.note(f"{options.command}: the database said: {' '.join(str(error.orig).split())}")
        return MigratorError.exit_code
    except KeyboardInterrupt:
        console.note(f"{options.command}: stopped.")
        return Interrupted.exit_code
    return 0


def _config(path: str) -> Config:
    if not Path(path).is_file():
        name = console.argument(path)
        raise UsageError(f"There is no {name} here; run this in the project's folder, or name it.")
    if "%" in str(Path(path).absolute().parent):
        raise UsageError("Alembic cannot read ini files in a folder with % in its path: rename it.")
    config = Config(path)
    try:
        settings.load(config)  # a misspelt setting is found before anything is done
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {' '.join(str(error).split())}.") from None
    for folder in (config.get_main_option("prepend_sys_path") or "").split(":"):
        if folder and folder not in sys.path:
            sys.path.insert(0, folder)
    return config


def _parser() -> argparse.ArgumentParser:
    # Paths stay as the operating system gave them, whatever the locale makes of their bytes.
    text = console.argument
    parser = argparse.ArgumentParser(
        prog="python -m migrator",
        description="Looks after the database schema of this project.",
        epilog="Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage or configuration,"
        " 3 revisions are pending, 4 waited too long for a lock, 5 refused by a safety check,"
        " 130 stopped by Ctrl-C or SIGTERM.",
    )
    parser.add_argument("-c", "--config", default="alembic.ini", help="ini file (%(default)s)")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    add = commands.add_parser("plan", help="show what a deploy would apply; 3 if anything")
    add.set_defaults(run=_plan)
    add = commands.add_parser("deploy", help="apply pending revisions and verify")
    add.add_argument("--to", type=text, default="head", metavar="REV", help="stop at this revision")
    add.set_defaults(run=lambda config, options: deploy.run(config, options.to))
    add = commands.add_parser("check", help="is the database where this code expects it? 3 if not")
    add.set_defaults(run=_check)
    add = commands.add_parser("wait", help="check, until it is or the time is up")
    add.add_argument("--timeout", type=float, default=300, metavar="SECONDS")
    add.set_defaults(run=_wait)
    add = commands.add_parser("sql", help="write the SQL of an upgrade to a file")
    add.add_argument(
        "--from", type=text, dest="start", metavar="REV", help="default: the database's revision"
    )
    add.add_argument("--to", type=text, default="head", metavar="REV", help="default: %(default)s")
    add.add_argument("--output", type=Path, default=Path("migration.sql"), metavar="FILE")
    add.set_defaults(run=_sql)
    add = commands.add_parser("tables", help="list the tables that the models describe")
    add.set_defaults(run=_tables)
    add = commands.add_parser("db", help="the development PostgreSQL")
    add.add_argument("action", choices=["start", "stop", "status", "url", "shell"])
    add.set_defaults(run=_db)
    for command in commands.choices.values():  # -c is understood after the command too
        command.add_argument("-c", "--config", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def _plan(config: Config, _options: argparse.Namespace) -> None:
    with database.connect(config) as connection:
        found = plan.make(config, connection)
    if not found.pending:
        console.say(f"Nothing is pending: the database is at {found.at}.")
        return
    console.say(f"The database is at {found.at}; these would be applied:")
    for script in found.pending:
        console.say(f"  {plan.describe(script)}")
    raise PendingError(f"{len(found.pending)} pending up to {found.target}.")


def _check(config: Config, _options: argparse.Namespace) -> None:
    with database.connect(config) as connection:
        found = plan.make(config, connection)
    if found.pending:
        raise PendingError(
            f"The database is at {found.at}, this code expects {found.target}: deploy first."
        )
    console.say(f"The database is at {found.at}, as this code expects.")


def _wait(config: Config, options: argparse.Namespace) -> None:
    deadline = time.monotonic() + options.timeout
    while True:
        try:
            return _check(config, options)
        except UsageError:
            raise
        except MigratorError as error:
            if time.monotonic() >= deadline:
                raise PendingError(f"{error} Waited {options.timeout:g} s.") from None
        time.sleep(1)


def _sql(config: Config, options: argparse.Namespace) -> None:
    written = sql.write(config, options.output, options.start, options.to)
    if written:
        console.say(f"Wrote {console.argument(str(options.output))}: {written}.")
    else:
        console.say("Nothing to write: there is no revision between the two.")


def _tables(config: Config, _options: argparse.Namespace) -> None:
    rows = [
        (table.fullname, module or "(not in a searched module)", table.comment or "")
        for module, tables in discovery.import_models(config).items()
        for table in tables
    ]
    console.say(console.table(("table", "module", "comment"), sorted(rows)))


def _db(config: Config, options: argparse.Namespace) -> None:
    from migrator import devdb  # only here, so that production does not need it

    devdb.run(config, options.action)
