"""One deployer at a time: replicas that start together, or two pipelines, must not race."""

from contextlib import AbstractContextManager

from sqlalchemy import Connection

from migrator.config.context import Context
from migrator.revisions import deploy_lock_postgres, deploy_lock_sqlite
from migrator.revisions.deploy_lock_wait import Say


def only_deployer(
    context: Context, say: Say, patience: float | None = None
) -> AbstractContextManager[Connection | None]:
    """Hold the deploy lock of the database that `context` names.

    It ends with the process, however that ends. Others see the holder as one that backs up, until
    it calls `deploy_lock_postgres.backup_is_over`.

    Args:
        say: called with a sentence about who has it, every few seconds of waiting.
        patience: seconds, if not `deploy_lock_timeout`.

    Returns:
        A context manager that gives the connection that has the lock, in autocommit mode; None on
        SQLite.

    Raises:
        LockTimeout: somebody else still has it after `deploy_lock_timeout` seconds, those of its
            backup not counted.
    """
    if patience is None:
        patience = context.settings.deploy_lock_timeout
    if context.target.dialect == "sqlite":
        return deploy_lock_sqlite.held(context, patience, say)
    return deploy_lock_postgres.held(context, patience, say)
