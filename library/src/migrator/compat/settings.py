"""`migrator.settings`, which is `migrator.config.settings` now."""

from migrator.config.settings import URL_VARIABLES, database_url

__all__ = ["URL_VARIABLES", "database_url"]
