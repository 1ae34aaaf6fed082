"""Retries of one failing deploy keep one backup, the newest, instead of piling them up.

An older backup is not used again: users have written since, and a restore would lose that. But a
new one contains all that the one of a failed attempt does, if that attempt has committed nothing
and the schema has not changed since. Any other backup of a failed attempt is kept: it may be the
one with the rows that a part of the deploy has dropped.
"""

import hashlib
from pathlib import Path

from migrator import catalog, database
from migrator.backup import Backup
from migrator.deploy.deployment import Deployment
from migrator.errors import MigratorError
from migrator.revisions import log_failures


def state(deployment: Deployment) -> str:
    """Return a fingerprint of the revision and the schema that the database is at."""
    with database.connect(deployment.context) as connection:
        schema = catalog.read(connection, catalog.NOT_OURS).text()
        connection.rollback()
    return hashlib.sha256(f"{deployment.plan.at}\n{schema}".encode()).hexdigest()


def remove(deployment: Deployment, saved: Backup) -> list[str]:
    """Remove the backups of earlier attempts that `saved` makes superfluous; return their names."""
    if saved.storage is None or not deployment.logged:
        return []
    try:
        with database.connect(deployment.context) as connection:
            failed = log_failures.last(connection, log_failures.KEPT)
            connection.rollback()
    except MigratorError:
        return []
    former = {
        Path(each.cause.backup)
        for each in failed
        if not each.resolved and each.cause.state and each.cause.state == deployment.state
    }
    gone = [path for path in saved.storage.backups() if path in former and path != saved.path]
    return [path.name for path in saved.storage.remove(gone)]
