"""`migrator.waiting`, which is `migrator.revisions.wait` now and takes a Context."""

from alembic.config import Config

from migrator.config.context import Context
from migrator.revisions import wait


def until_expected(config: Config, timeout: float) -> str:
    """Return where the database is, once it is where this code expects it.

    Args:
        config: `config.attributes["settings"]` are settings that win over the ini file.
        timeout: seconds.

    Raises:
        MigratorError: as for `migrator.revisions.wait.until_expected`.
    """
    context = Context.of(config, config.attributes.get("settings"))
    return wait.until_expected(context, timeout)
