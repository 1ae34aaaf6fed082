"""Where all tenants are, read with as few queries as possible."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config import version_table
from migrator.config.context import Context
from migrator.errors import MigratorError, UnreachableError, UsageError, one_line
from migrator.fleet.settings import FleetSettings
from migrator.fleet.tenant import Tenant, at
from migrator.postgres.sql.schemas import quoted
from migrator.revisions import position, verified

CHUNK = 250  # schemas in one query: each has a table to open and to plan for
THREADS = 8  # databases that are asked at the same time
SCHEMAS = text("""
SELECT n.nspname,
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = :version
               AND c.relkind = 'r') AS versioned,
       EXISTS (SELECT FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE c.relnamespace = n.oid AND c.relname = 'migration_log' AND c.relkind = 'r'
                 AND a.attname = 'failure' AND NOT a.attisdropped) AS logged
FROM pg_namespace n WHERE n.nspname = ANY(:schemas)
""")


@dataclass(frozen=True)
class Position:
    """Where one tenant is.

    `heads` is None if it has no version table, and empty at base. `verified` is whether its last
    deploy has been, and `logged` whether it has a complete migration log. `problem` is why nothing
    is known; then the rest says nothing.
    """

    heads: tuple[str, ...] | None = None
    verified: bool = True
    problem: str = ""
    logged: bool = False


class Facts(NamedTuple):
    """What a schema has: a version table, and our log."""

    versioned: bool
    logged: bool


def read(
    context: Context, fleet: FleetSettings, tenants: Sequence[Tenant]
) -> dict[Tenant, Position]:
    """Return where each tenant is; what cannot be read is said in its place."""
    found: dict[Tenant, Position] = {}
    databases: dict[URL, list[Tenant]] = {}
    for each in tenants:
        try:
            databases.setdefault(each.database(context), []).append(each)
        except UsageError as error:
            found[each] = Position(problem=str(error))
    with ThreadPoolExecutor(min(THREADS, max(len(databases), 1))) as threads:
        for some in threads.map(lambda pair: _of_database(context, *pair), databases.items()):
            found |= some
    return {each: found[each] for each in tenants}


def _of_database(context: Context, url: URL, tenants: Sequence[Tenant]) -> dict[Tenant, Position]:
    try:
        with database.connect(at(context, url)) as connection:
            schemas: dict[str, list[Tenant]] = {}
            for each in tenants:
                schemas.setdefault(each.schema, []).append(each)
            own = schemas.pop("", [])
            found = dict(of_schemas(connection, [*schemas]))
            first = {some[0]: found[name] for name, some in schemas.items()}
            if own:
                first[own[0]] = _of_whole(connection)
            return first | {
                each: Position(problem=f"it has the same place as {some[0].name}")
                for some in (*schemas.values(), own)
                for each in some[1:]
            }
    except (UnreachableError, MigratorError) as error:
        reason = error.reason or str(error)
        return dict.fromkeys(tenants, Position(problem=reason))


def _of_whole(connection: Connection) -> Position:
    heads = position.current_heads(connection)
    schema = version_table.options().get("version_table_schema")
    if not heads and not inspect(connection).has_table(version_table.name(), schema=schema):
        return Position()
    return Position(heads, verified.unverified(connection) is None)


def of_schemas(connection: Connection, names: Sequence[str]) -> Iterator[tuple[str, Position]]:
    """Yield each of these schemas with where it is; ends the transaction."""
    rows = connection.execute(SCHEMAS, {"schemas": [*names], "version": version_table.name()})
    facts = {row.nspname: Facts(row.versioned, row.logged) for row in rows}
    connection.rollback()
    yield from (
        (name, Position(problem=f"there is no schema {name}"))
        for name in names
        if name not in facts
    )
    yield from ((name, Position()) for name in facts if not facts[name].versioned)
    versioned = [name for name in facts if facts[name].versioned]
    for start in range(0, len(versioned), CHUNK):
        yield from _chunk(connection, versioned[start : start + CHUNK], facts)


def _chunk(
    connection: Connection, names: Sequence[str], facts: Mapping[str, Facts]
) -> Iterator[tuple[str, Position]]:
    """Ask for some at once; if that fails, for halves, so that one tenant fails alone."""
    try:
        query = " UNION ALL ".join(_query(name, facts[name].logged) for name in names)
        rows = connection.exec_driver_sql(query, execution_options={"no_parameters": True}).all()
    except DBAPIError as error:
        connection.rollback()
        if len(names) == 1:
            yield names[0], Position(problem=one_line(error, details=False))
            return
        middle = len(names) // 2
        yield from _chunk(connection, names[:middle], facts)
        yield from _chunk(connection, names[middle:], facts)
        return
    connection.rollback()
    heads: dict[str, list[str]] = {name: [] for name in names}
    open_ones = set()
    for name, head, unverified in rows:
        if head is not None:
            heads[name].append(head)
        if unverified:
            open_ones.add(name)
    for name in names:
        yield name, Position(tuple(heads[name]), name not in open_ones, logged=facts[name].logged)


def _query(name: str, logged: bool) -> str:
    """Return a query with a row for each head, and one without a head for what is unverified."""
    literal = "'" + name.replace("'", "''") + "'"
    found = (
        f"SELECT {literal} AS schema, version_num::text, false"
        f" FROM {quoted(name)}.{quoted(version_table.name())}"
    )
    if logged:
        found += (
            f" UNION ALL (SELECT {literal}, NULL, true FROM {quoted(name)}.migration_log"
            " WHERE verified IS NULL LIMIT 1)"
        )
    return found
