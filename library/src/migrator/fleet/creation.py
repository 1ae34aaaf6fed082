"""A new tenant, at the newest revision, without running the revisions before it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from migrator import catalog, database
from migrator.config import urls, version_table
from migrator.config.context import Context
from migrator.deploy import drift
from migrator.errors import MigratorError, RefusedError, UsageError, one_line
from migrator.fleet import inventory, verification
from migrator.fleet.settings import FleetSettings
from migrator.fleet.tenant import Tenant, at
from migrator.fleet.verification import Reference
from migrator.postgres import sql
from migrator.postgres.sql.schemas import moved, quoted
from migrator.revisions import graph, log_table, snapshot
from migrator.revisions.log import Entry, Log

PUBLIC = "public"
NAME_LENGTH = 63
# Of the database, and not of a schema in it.
OF_DATABASE = ("CREATE EXTENSION", "COMMENT ON EXTENSION", "CREATE SCHEMA", "COMMENT ON SCHEMA")
MATERIALIZED = text(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'm' AND n.nspname = :schema ORDER BY c.oid"
)
ADMIN = "postgres"  # the database from which another one is created


@dataclass(frozen=True)
class Created:
    """A tenant that was made; `registered` is whether create_sql has been executed."""

    name: str
    where: str
    revision: str
    registered: bool


def create(context: Context, name: str, schema: str = "") -> Created:
    """Make a tenant: a schema in the fleet's database, or the database that the inventory names.

    Args:
        schema: its name, if the inventory does not have the tenant yet; by default that of the
            tenant.

    Raises:
        RefusedError: there is one already, or it would not be what the revisions build.
        MigratorError: a statement fails; nothing is left of it.
    """
    inventory.check_name(name, "fleet create")
    if len((schema or name).encode()) > NAME_LENGTH:
        raise UsageError(
            f"PostgreSQL keeps {NAME_LENGTH} bytes of a name, and {schema or name} is longer: give"
            " the tenant a shorter name, or a schema with --schema."
        )
    fleet, revisions = FleetSettings.of(context), graph.load(context)
    head = graph.find(revisions, "head")
    known = {each.name: each for each in inventory.read(context, fleet)}
    tenant = known.get(name)
    if tenant is None and not fleet.schemas_sql:
        raise UsageError(
            f"There is no tenant {name} in the inventory, which says where its database is: add it"
            " there first."
        )
    tenant = tenant or Tenant(name, schema or name)
    if schema and tenant.schema != schema:
        raise UsageError(f"In the inventory, the schema of {name} is {tenant.schema or 'none'}.")
    statements = _statements(context, head)
    url = tenant.database(context)
    if not tenant.schema:
        _create_database(context, url)
    reference = Reference.of(context, head)
    with database.connect(at(context, url)) as connection:
        try:
            _fill(connection, tenant, statements, head, reference, Log(None, ()))
            # Only an inventory in a database may have an entry already.
            entered = bool(fleet.schemas_sql) and name in known
            registered = bool(fleet.create_sql and tenant.schema) and not entered
            if registered:
                execute(connection, fleet.create_sql, name, tenant.schema)
            connection.commit()
        except DBAPIError as error:
            connection.rollback()
            reason = one_line(error).rstrip(".")
            raise MigratorError(
                f"Tenant {name} cannot be created: {reason}. Nothing of it is left"
                f"{_left(tenant, url)}."
            ) from None
        except BaseException:
            connection.rollback()
            raise
    where = f"schema {tenant.schema}" if tenant.schema else f"database {url.database}"
    return Created(name, where, head, registered)


def _left(tenant: Tenant, url: URL) -> str:
    return "" if tenant.schema else f" but the empty database {url.database}"


def _statements(context: Context, head: str) -> list[str]:
    """Return what creates the schema of a tenant, as the repository has it, in `public`.

    Raises:
        MigratorError: there is no such record, or it is of another revision.
    """
    file = snapshot.tenant_path(context)
    found = snapshot.read(file)
    if found is None:
        raise MigratorError(
            f"There is no {file.name} beside the revisions, which has the schema of a new tenant:"
            " `make snapshot` writes it."
        )
    first, _, body = found.partition("\n\n")
    if f"revision {head}" not in first.splitlines()[0]:
        raise MigratorError(f"{file.name} is not of revision {head}: run `make snapshot`.")
    return sql.split(body)


def _create_database(context: Context, url: URL) -> None:
    """Create the database of a tenant.

    Raises:
        RefusedError: it has tables already.
        MigratorError: the account may not.
    """
    admin = at(context, url.set(database=ADMIN))
    with database.connect_autocommit(admin) as connection:
        query = text("SELECT EXISTS (SELECT FROM pg_database WHERE datname = :name)")
        if connection.scalar(query, {"name": url.database}):
            return
        try:
            connection.exec_driver_sql(f"CREATE DATABASE {quoted(str(url.database))}")
        except DBAPIError as error:
            raise MigratorError(
                f"The database {urls.shown(url)} cannot be created: {one_line(error)}. Nothing was"
                " changed."
            ) from None


def _fill(
    connection: Connection,
    tenant: Tenant,
    statements: Sequence[str],
    head: str,
    reference: Reference,
    log: Log,
) -> None:
    """Create everything, in the transaction that is open, and compare it with the record.

    Raises:
        RefusedError: the schema exists, or is not what the revisions build.
    """
    schema = tenant.schema or PUBLIC
    if tenant.schema:
        query = text("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = :name)")
        if connection.scalar(query, {"name": schema}):
            raise RefusedError(f"There is a schema {schema} already. Nothing was changed.")
        _run(connection, f"CREATE SCHEMA {quoted(schema)}")
    elif _has_tables(connection):
        raise RefusedError(
            f"The database of {tenant.name} has tables already. Nothing was changed."
        )
    # As pg_dump has it: what is in no schema by name is in none.
    _run(connection, "SET LOCAL search_path = pg_catalog")
    _run(connection, "SET LOCAL check_function_bodies = false")
    for statement in _for(statements, tenant, schema):
        _run(connection, statement)
    _run(connection, f"SET LOCAL search_path = {quoted(schema)}")
    _refresh(connection, schema, reference)
    table = f"{quoted(schema)}.{quoted(version_table.name())}"
    key = quoted(f"{version_table.name()}_pkc")
    _run(
        connection,
        f"CREATE TABLE {table} (version_num varchar(32) NOT NULL CONSTRAINT {key} PRIMARY KEY)",
    )
    connection.execute(text(f"INSERT INTO {table} VALUES (:head)"), {"head": head})
    log.write(connection, Entry(head, (), True, 0.0, 1, 0.0))
    if tenant.schema:
        found = verification.read(connection, [schema])
        compared = verification.against(connection, reference, found)[schema]
        if wrong := drift.sentences(compared.wrong):
            raise RefusedError(
                f"{schema} would not be what the revisions build: {'; '.join(wrong)}. Nothing was"
                " changed. `make snapshot` writes the record anew."
            )
    log_table.complete(connection)
    connection.execute(
        log_table.TABLE.update().where(log_table.TABLE.c.verified.is_(None)).values(verified="yes")
    )


def _refresh(connection: Connection, schema: str, reference: Reference) -> None:
    """Fill the materialized views, which pg_dump creates WITH NO DATA; one may read another."""
    recorded = reference.recorded.schema.objects if reference.recorded else {}
    for name in connection.scalars(MATERIALIZED, {"schema": schema}).all():
        key = catalog.Key("materialized_view", (PUBLIC, name))
        if not recorded.get(key, {}).get("without_data"):
            _run(connection, f"REFRESH MATERIALIZED VIEW {quoted(schema)}.{quoted(name)}")


def _for(statements: Sequence[str], tenant: Tenant, schema: str) -> Iterator[str]:
    for statement in statements:
        if tenant.schema and sql.bare(statement).startswith(OF_DATABASE):
            continue
        yield moved(statement, PUBLIC, quoted(schema)) if tenant.schema else statement


def _has_tables(connection: Connection) -> bool:
    query = text(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public')"
    )
    return bool(connection.scalar(query))


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def execute(connection: Connection, statement: str, name: str, schema: str) -> None:
    """Execute a statement of the user's, which may name :name and :schema."""
    values: dict[str, Any] = {"name": name, "schema": schema}
    used = text(statement)
    connection.execute(used, {key: values[key] for key in used.compile().params if key in values})
