"""`migrator.settings`: `database_url` is in `migrator.config.target` now."""

from migrator.config.target import URL_VARIABLES, database_url

__all__ = ["URL_VARIABLES", "database_url"]
