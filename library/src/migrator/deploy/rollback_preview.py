"""What a rollback would run, and what data it would take with it."""

import io
from dataclasses import dataclass

from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator.config import version_table
from migrator.config.context import Context
from migrator.config.ending import contained
from migrator.postgres import sql as reading
from migrator.revisions.pending import Plan

MANY = 100_000  # rows; counting further would take long, and changes no decision


@dataclass(frozen=True)
class Preview:
    """`sql` is what would run; `losses` are sentences about the data that would be gone."""

    sql: str
    losses: tuple[str, ...]


def make(
    context: Context, connection: Connection, revisions: ScriptDirectory, going: Plan
) -> Preview | None:
    """Render what `going` would run, and count what it would drop; changes nothing.

    Returns:
        None where that cannot be known without running it: SQLite's batch operations and
        revisions that read the database.
    """
    found = sql(context, revisions, going)
    return None if found is None else Preview(found, tuple(_losses(connection, found)))


def sql(context: Context, revisions: ScriptDirectory, going: Plan) -> str | None:
    """Return the SQL of `going`, or None where it cannot be rendered without running it."""
    buffer = io.StringIO()
    before, context.config.output_buffer = context.config.output_buffer, buffer

    def steps(heads: object, _context: object) -> object:
        return going.steps(revisions, heads)

    environment = EnvironmentContext(
        context.config,
        revisions,
        fn=steps,
        as_sql=True,
        starting_rev=going.current or "base",  # it may be several
        destination_rev=going.target,
    )
    try:
        with environment, contained():
            revisions.run_env()
    except Exception:  # whatever a revision raises that finds no database there
        return None
    finally:
        context.config.output_buffer = before
    return buffer.getvalue()


def _losses(connection: Connection, script: str) -> list[str]:
    statements = reading.split(script)
    tables = [table for each in statements for table in reading.dropped_tables(each)]
    found = [f"table {table}: {_count(connection, f'SELECT 1 FROM {table}')}" for table in tables]
    for table, column in [pair for each in statements for pair in reading.dropped_columns(each)]:
        if table not in tables:
            rows = _count(connection, f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL")
            found.append(f"column {table}.{column}: {rows} with a value")
    found += [" ".join(each.split()) for each in statements if reading.changes_rows(each)]
    return [line for line in found if version_table.name() not in line]


def _count(connection: Connection, query: str) -> str:
    try:
        number = connection.scalar(text(f"SELECT count(*) FROM ({query} LIMIT {MANY}) AS rows"))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return "not there now, or not to be read by this user"
    finally:
        connection.rollback()
    return f"{MANY:,} rows or more" if number == MANY else f"{number:,} rows"
