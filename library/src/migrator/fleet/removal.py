"""Removes a tenant, after a backup of it."""

from collections.abc import Callable
from pathlib import Path

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


def drop(context: Context, name: str, ask: Callable[[str], None]) -> tuple[str, Path | None]:
    """Back up a tenant's schema, and remove it.

    Args:
        ask: called with the name, to have it confirmed.

    Returns:
        What was removed, and the backup; None if backups are the operator's.

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
    return f"schema {tenant.schema}", saved


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)


def _free(path: Path) -> Path:
    """Return a path that nothing has, so that no earlier backup is lost."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found
