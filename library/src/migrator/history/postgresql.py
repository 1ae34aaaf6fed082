"""Read the schema of a PostgreSQL database with pg_dump, object by object."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import text as sql_text

from migrator.backup import programs
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.history.schema_objects import Object, Schema
from migrator.postgres.sql import pg_dump_output as pg_dump
from migrator.postgres.sql import split

WHOLE = {"FUNCTION", "PROCEDURE", "RULE"}  # their bodies may contain unquoted semicolons


def read(context: Context, engine: Engine, ignored: str, owners: bool) -> Schema:
    """Return the schema of the database of `engine`, which is also that of `context`.

    Args:
        ignored: a table to leave out, with or without its schema.
        owners: whether to include owners other than the current user.

    Raises:
        MigratorError: pg_dump failed; the message contains its output.
    """
    pattern = ignored if "." in ignored else f"*.{ignored}"
    dump = _run(context, engine, ["--schema-only", "--clean", f"--exclude-table={pattern}"])
    user = _user(engine) if owners else None
    objects = [one for entry in pg_dump.entries(dump) for one in _objects(entry, user)]
    drops = pg_dump.preamble(dump)
    statements = (text for one in objects for text in one.statements)
    owned = {name for text in statements for name in pg_dump.owned_sequences(text)}
    place = next((i for i, one in enumerate(objects) if one.table), len(objects))
    early = [
        one
        for i, one in enumerate(objects)
        if (i < place and one.kind not in ("SEQUENCE", "VIEW"))
        or (
            one.kind == "SEQUENCE"
            and one.statements[0].startswith("CREATE SEQUENCE ")
            and one.statements[0].split()[2] not in owned
        )
    ]
    late = [one for one in objects if one not in early]
    return Schema((*early, *late), tuple(drops), len(early))


def rows(context: Context, engine: Engine, tables: Sequence[str]) -> tuple[str, ...]:
    """Return INSERT statements for the rows in `tables` (names as SQL writes them)."""
    names = [f"--table={table}" for table in tables]
    dump = _run(context, engine, ["--data-only", "--column-inserts", *names])
    return pg_dump.inserts(dump)


def _run(context: Context, engine: Engine, arguments: Sequence[str]) -> str:
    with engine.connect() as connection:
        session: Any = connection.connection.dbapi_connection
        server, encrypted = session.info.server_version // 10000, session.pgconn.ssl_in_use
    database = programs.database(context)
    program = programs.find(context, server, encrypted=encrypted)[0].path("pg_dump")
    done = programs.run(
        [program, *arguments, "--encoding=UTF8", database.argument], database.environment
    )
    if done.returncode:
        raise MigratorError(
            f"The schema cannot be read: {programs.error_output(done)}; nothing was changed."
        )
    return done.stdout


def _user(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(sql_text("SELECT current_user")))


def _objects(entry: pg_dump.Entry, user: str | None) -> Iterator[Object]:
    kind, schema, name, body = entry.kind, entry.schema, entry.name, entry.body
    if kind == "COMMENT" and name.startswith("EXTENSION "):
        return  # created together with the extension
    whole = kind in WHOLE
    statements = (body.removesuffix(";"),) if whole else tuple(split(body, comments=True))
    if statements:
        yield Object(kind, schema, name, statements, body, pg_dump.created_table(body))
    if entry.owner and user is not None and entry.owner[1] != user:
        statement = entry.owner[0]
        yield Object("OWNER", schema, f"{kind} {name}", (statement,), statement)
