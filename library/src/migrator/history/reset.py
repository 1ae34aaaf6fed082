"""Drop everything in a development database."""

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from migrator.errors import LockTimeout, MigratorError, one_line
from migrator.history import sqlite

LOCK_TIMEOUT = "10s"  # for other sessions; a development database has few
SCHEMAS = """
SELECT nspname, pg_get_userbyid(nspowner) AS owner,
       has_schema_privilege('public', oid, 'USAGE') AS usable
FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
"""
EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"
PUBLICATIONS = "SELECT pubname FROM pg_publication"


def count(connection: Connection) -> int:
    """Return the number of tables, including Alembic's version table."""
    inspector = inspect(connection)
    found = inspector.get_multi_indexes(schema=None)
    connection.rollback()
    return len(found)


def empty(connection: Connection) -> None:
    """Drop everything in the database, in one transaction.

    The database itself is kept, with its owner and settings: the user may lack the right to create
    a database.

    Raises:
        LockTimeout: another session uses a table; nothing was changed.
        MigratorError: an object cannot be dropped; nothing was changed.
    """
    try:
        if connection.dialect.name == "sqlite":
            _empty_sqlite(connection)
        else:
            _empty_postgresql(connection)
        connection.commit()
    except DBAPIError as error:
        connection.rollback()
        reason = one_line(error).removesuffix(".")
        if getattr(error.orig, "sqlstate", "") == "55P03":
            raise LockTimeout(
                f"Another session uses the database, so its tables cannot be dropped: {reason}."
                " Nothing was changed; stop the application and close open shells, then run this"
                " again."
            ) from None
        raise MigratorError(
            f"The database cannot be emptied: {reason}; nothing was changed."
        ) from None


def _empty_postgresql(connection: Connection) -> None:
    quote = connection.dialect.identifier_preparer.quote
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    for name in connection.scalars(text(PUBLICATIONS)).all():
        connection.exec_driver_sql(f"DROP PUBLICATION {quote(name)}")
    for name in connection.scalars(text(EXTENSIONS)).all():
        connection.exec_driver_sql(f"DROP EXTENSION IF EXISTS {quote(name)} CASCADE")
    for name, owner, usable in connection.execute(text(SCHEMAS)).all():
        connection.exec_driver_sql(f"DROP SCHEMA {quote(name)} CASCADE")
        if name == "public":  # which a new database has
            connection.exec_driver_sql(f"CREATE SCHEMA public AUTHORIZATION {quote(owner)}")
            if usable:
                connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO PUBLIC")


def _empty_sqlite(connection: Connection) -> None:
    query = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    found = connection.exec_driver_sql(query).all()
    for kind in ("trigger", "view", "table"):  # foreign keys are not enforced by default
        for other, name in found:
            if other == kind:
                connection.exec_driver_sql(f"DROP {kind.upper()} {sqlite.quoted(name)}")
