"""Read the schema of a PostgreSQL database with pg_dump, object by object."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import text as sql_text

from migrator.backup import libpq_database, processes, programs
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.history.schema_objects import Object, Schema
from migrator.operations.names import literal
from migrator.postgres.sql import pg_dump_output as pg_dump
from migrator.postgres.sql import split

# Kinds that pg_dump leaves out as tables, with what belongs to them.
RELATIONS = {"TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE"}
# With passwords, or connected to another server.
NOT_CARRIED = {"USER MAPPING", "SUBSCRIPTION"}
POLICY_ROLES = """
SELECT DISTINCT r.rolname, quote_ident(r.rolname)
FROM pg_policy p CROSS JOIN unnest(p.polroles) u JOIN pg_roles r ON r.oid = u ORDER BY 1
"""
CREATE_ROLE = """DO $role$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {0}) THEN CREATE ROLE {1} NOLOGIN; END IF;
END $role$"""
POPULATED = """
SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated
"""
WHOLE = {"FUNCTION", "PROCEDURE", "RULE"}  # their bodies may contain unquoted semicolons


def read(
    context: Context, engine: Engine, ignored: str, owners: bool, without: Sequence[str] = ()
) -> Schema:
    """Return the schema of the database of `engine`, which is also that of `context`.

    Args:
        ignored: a table to leave out, with or without its schema.
        owners: whether to include what names roles: owners other than the current user, and grants.
        without: patterns of objects to leave out, as in accepted_drift.toml.

    Raises:
        MigratorError: pg_dump failed; the message contains its output.
    """
    pattern = ignored if "." in ignored else f"*.{ignored}"
    options = ["--schema-only", "--clean", f"--exclude-table={pattern}"]
    dump = _run(context, engine, options)
    user = _user(engine) if owners else None
    every = [one for entry in pg_dump.entries(dump) for one in _objects(entry, user)]
    gone = [one for one in every if any(one.called(each) for each in without)]
    if relations := [one for one in gone if one.kind in RELATIONS]:
        # With their indexes, constraints and triggers.
        options += [
            f"--exclude-table={_pattern(one.schema)}.{_pattern(one.name)}" for one in relations
        ]
        dump = _run(context, engine, options)
        every = [one for entry in pg_dump.entries(dump) for one in _objects(entry, user)]
    attached = {
        one.statements[0].split()[-1].rpartition(".")[2]
        for one in every
        if one.kind == "INDEX ATTACH"
    }
    left = [one for one in every if one in gone or one.kind in NOT_CARRIED or not one.statements]
    drops = [
        line
        for line in pg_dump.preamble(dump)
        if not any(one.dropped_by(line) for one in left)
        # An index of a partition goes with that of its table, and cannot be dropped by itself.
        and line.split()[-1].rpartition(".")[2] not in attached
    ]
    objects = [one for one in every if one not in left]
    objects = [*_roles(engine, objects), *objects, *_refreshed(engine, objects)]
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
    return Schema((*early, *late), tuple(drops), len(early), (*relations, *left))


def _pattern(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _roles(engine: Engine, objects: Sequence[Object]) -> list[Object]:
    """Return what creates the roles in policies, which pg_dump expects, if a server lacks them."""
    if not any(one.kind == "POLICY" for one in objects):
        return []
    with engine.connect() as connection:
        names = connection.execute(sql_text(POLICY_ROLES)).all()
    return [
        Object("ROLE", "-", name, (CREATE_ROLE.format(literal(name), quoted),), name)
        for name, quoted in names
    ]


def _refreshed(engine: Engine, objects: Sequence[Object]) -> list[Object]:
    """Return a REFRESH for each materialized view that holds rows; without it no query works."""
    views = {(one.schema, one.name): one for one in objects if one.kind == "MATERIALIZED VIEW"}
    with engine.connect() as connection:
        filled = connection.execute(sql_text(POPULATED)).all() if views else []
    names = {(schema, name): str(quoted) for schema, name, quoted in filled}
    return [
        Object("MATERIALIZED VIEW DATA", *key, (f"REFRESH MATERIALIZED VIEW {names[key]}",), "rows")
        for key in views
        if key in names
    ]


def rows(context: Context, engine: Engine, tables: Sequence[str]) -> tuple[str, ...]:
    """Return INSERT statements for the rows in `tables` (names as SQL writes them)."""
    names = [f"--table={table}" for table in tables]
    dump = _run(context, engine, ["--data-only", "--column-inserts", *names])
    return pg_dump.inserts(dump)


def _run(context: Context, engine: Engine, arguments: Sequence[str]) -> str:
    with engine.connect() as connection:
        session: Any = connection.connection.dbapi_connection
        server, encrypted = session.info.server_version // 10000, session.pgconn.ssl_in_use
    database = libpq_database.database(context)
    program = programs.find(context, server, encrypted=encrypted)[0].path("pg_dump")
    done = processes.run(
        [program, *arguments, "--encoding=UTF8", database.argument], database.environment
    )
    if done.returncode:
        raise MigratorError(
            f"The schema cannot be read: {processes.error_output(done)}; nothing was changed."
        )
    return done.stdout


def _user(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(sql_text("SELECT current_user")))


def _objects(entry: pg_dump.Entry, user: str | None) -> Iterator[Object]:
    kind, schema, name, body = entry.kind, entry.schema, entry.name, entry.body
    if kind == "COMMENT" and name.startswith("EXTENSION "):
        return  # created together with the extension
    if kind == "SCHEMA" and name == "public" and not body.startswith("CREATE "):
        return  # it has another owner than in a new database, or another comment
    whole = kind in WHOLE
    statements = (body.removesuffix(";"),) if whole else tuple(split(body, comments=True))
    if "ACL" in kind and user is None:
        # PostgreSQL 14 and older let everybody create in `public`; a new database is not like that.
        kept = tuple(
            each
            for each in statements
            if pg_dump.is_for_everybody(each) and name != "SCHEMA public"
        )
        if kept != statements:
            yield Object(kind, schema, name, (), "")
        statements, body = kept, ";\n".join(kept)
    if statements:
        yield Object(kind, schema, name, statements, body, pg_dump.created_table(body))
    if entry.owner and user is not None and entry.owner[1] != user:
        statement = entry.owner[0]
        yield Object("OWNER", schema, f"{kind} {name}", (statement,), statement)
