"""Removes a tenant, after a backup of it."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config.context import Context
from migrator.errors import MigratorError, RefusedError, one_line
from migrator.fleet import inventory
from migrator.fleet.creation import execute
from migrator.fleet.settings import FleetSettings
from migrator.fleet.tenant import at
from migrator.postgres.sql.schemas import quoted
from migrator.revisions import deploy_lock, deploy_lock_postgres

# Views, constraints, defaults, triggers, policies, tables and functions of other schemas.
DEPENDENTS = text(
    """
WITH inside AS (
  SELECT 'pg_class'::regclass AS class, c.oid FROM pg_class c
  WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :schema)
  UNION ALL
  SELECT 'pg_type'::regclass, t.oid FROM pg_type t
  WHERE t.typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :schema)
  UNION ALL
  SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p
  WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = :schema)
), dependent AS (
  SELECT d.classid, d.objid, CASE d.classid
    WHEN 'pg_class'::regclass THEN d.objid
    WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = d.objid)
    WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = d.objid)
    WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = d.objid)
    WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = d.objid)
    WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = d.objid)
    END AS relation
  FROM pg_depend d JOIN inside i ON d.refclassid = i.class AND d.refobjid = i.oid
)
SELECT DISTINCT coalesce(c.oid::regclass::text, p.oid::regprocedure::text)
FROM dependent d
LEFT JOIN pg_class c ON c.oid = d.relation
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, p.pronamespace)
WHERE n.nspname NOT IN (:schema, 'pg_toast')
ORDER BY 1
""".replace("::", r"\:\:")
)


def drop(context: Context, name: str, ask: Callable[[str], None]) -> tuple[str, Path | None, bool]:
    """Back up a tenant's schema, and remove it.

    Args:
        ask: called with the name, to have it confirmed.

    Returns:
        What was removed, the backup (None if backups are the operator's), and whether the inventory
        still names the tenant.

    Raises:
        RefusedError: it was not confirmed, or the tenant has a database of its own.
        MigratorError: the backup fails, or another session has a lock; then nothing was removed.
    """
    from migrator import backup

    fleet = FleetSettings.of(context)
    tenants = inventory.read(context, fleet)
    inventory.require(tenants, [name])
    (tenant,) = [each for each in tenants if each.name == name]
    url = tenant.database(context)
    if not tenant.schema:
        raise RefusedError(
            f"{name} has the database {url.database} of its own, which this command does not drop:"
            f" back it up, then DROP DATABASE {quoted(str(url.database))}."
        )
    with database.connect(at(context, url)) as connection:
        _refuse_dependents(connection, tenant.schema)
    ask(name)
    own = at(context, url, tenant.schema)
    saved = None
    with deploy_lock.only_deployer(own, lambda _: None) as control:
        if control is not None:
            deploy_lock_postgres.backup_is_over(control)
        if fleet.backup and context.settings.backup:
            output = Path(context.settings.backup_folder) / f"{_file_name(name)}.dump"
            saved = backup.take(at(context, url), "", _free(output), tenant.schema).path
        with database.connect(at(context, url)) as connection:
            try:
                connection.exec_driver_sql(
                    f"DROP SCHEMA {quoted(tenant.schema)} CASCADE",
                    execution_options={"no_parameters": True},
                )
                if fleet.drop_sql:
                    execute(connection, fleet.drop_sql, name, tenant.schema)
                connection.commit()
            except DBAPIError as error:
                connection.rollback()
                raise MigratorError(
                    f"Tenant {name} was not removed: {one_line(error)}. Its backup is {saved}."
                ) from None
    still_there = any(each.name == name for each in inventory.read(context, fleet))
    return f"schema {tenant.schema}", saved, still_there


def _refuse_dependents(connection: Connection, schema: str) -> None:
    """Refuse to remove a schema with which CASCADE would remove objects of others.

    Raises:
        RefusedError: there are some.
    """
    found = connection.scalars(DEPENDENTS, {"schema": schema}).all()
    connection.rollback()
    if found:
        raise RefusedError(
            f"{', '.join(found)} in another schema would go with {schema}, because they depend on"
            " its objects. Nothing was removed. Drop or change them first."
        )


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)


def _free(path: Path) -> Path:
    """Return a path that nothing has, so that no earlier backup is lost."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found
