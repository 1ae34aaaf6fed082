"""What revisions have made on the server, outside their shadow database."""

from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

PREFIX = "Made by a trial of migrator in "
# With the database that each of them is from, roles last: they may own the others.
MADE = text("""
SELECT kind, name, made_in FROM (
    SELECT 1, 'DATABASE', quote_ident(datname), shobj_description(oid, 'pg_database')
    FROM pg_database
    UNION ALL SELECT 2, 'TABLESPACE', quote_ident(spcname), shobj_description(oid, 'pg_tablespace')
    FROM pg_tablespace
    UNION ALL SELECT 3, 'ROLE', quote_ident(rolname), shobj_description(oid, 'pg_authid')
    FROM pg_roles
) AS every (number, kind, name, made_in)
WHERE starts_with(made_in, :prefix)
    AND NOT EXISTS (SELECT FROM pg_database WHERE :prefix || datname = made_in)
ORDER BY number
""")


def mark(database: str) -> str:
    """Return the comment on what a revision makes in a shadow database, beside it."""
    return f"{PREFIX}{database}"


def remove(connection: Connection) -> None:
    """Drop what is left of shadow databases that are gone; of others nothing.

    Args:
        connection: in autocommit mode.
    """
    for kind, name, _ in connection.execute(MADE, {"prefix": PREFIX}).all():
        force = " WITH (FORCE)" if kind == "DATABASE" else ""
        with suppress(DBAPIError):  # it has got something else meanwhile
            connection.exec_driver_sql(f"DROP {kind} {name}{force}")
