"""What a rollback would run, and what data it would take with it."""

import io
import re
from dataclasses import dataclass

from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator.config.context import Context
from migrator.revisions.plan import Plan

MANY = 100_000  # rows; counting further would take long, and changes no decision
NAME = r'((?:(?:"(?:[^"]|"")+"|\w+)\.)?(?:"(?:[^"]|"")+"|\w+))'
TABLE = re.compile(rf"^\s*DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?{NAME}", re.IGNORECASE | re.MULTILINE)
COLUMN = re.compile(
    rf"^\s*ALTER\s+TABLE\s+(?:ONLY\s+)?{NAME}\s+DROP\s+COLUMN\s+(?:IF\s+EXISTS\s+)?{NAME}",
    re.IGNORECASE | re.MULTILINE,
)
ROWS = re.compile(r"^\s*((?:DELETE|TRUNCATE|UPDATE)\b[^;]*)", re.IGNORECASE | re.MULTILINE)


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
        with environment:
            revisions.run_env()
    except Exception:  # whatever a revision raises that finds no database there
        return None
    finally:
        context.config.output_buffer = before
    return buffer.getvalue()


def _losses(connection: Connection, statements: str) -> list[str]:
    found = []
    tables = [match[1] for match in TABLE.finditer(statements)]
    for table in tables:
        found.append(f"table {table}: {_count(connection, f'SELECT 1 FROM {table}')}")
    for match in COLUMN.finditer(statements):
        if match[1] not in tables:
            rows = _count(connection, f"SELECT 1 FROM {match[1]} WHERE {match[2]} IS NOT NULL")
            found.append(f"column {match[1]}.{match[2]}: {rows} with a value")
    found += [" ".join(match[1].split()) for match in ROWS.finditer(statements)]
    return [line for line in found if "alembic_version" not in line]


def _count(connection: Connection, query: str) -> str:
    try:
        number = connection.scalar(text(f"SELECT count(*) FROM ({query} LIMIT {MANY}) AS rows"))
    except DBAPIError:
        return "not there now, or not to be read by this user"
    finally:
        connection.rollback()
    return f"{MANY:,} rows or more" if number == MANY else f"{number:,} rows"
