"""The table in which Alembic records where the database is, as the ini file names it.

    version_table = alembic_version_shop
    version_table_schema = meta

An env.py may give them to `context.configure`; here they are for what reads the table without it.
They are those of the process, which works on one project.
"""

from alembic.config import Config

NOT_OF_MODELS = ["alembic_version", "migration_log"]
"""The tables of Alembic and of this tool, which comparisons leave out."""

KEYS = ("version_table", "version_table_schema")

_options: dict[str, str] = {}


def use(config: Config) -> None:
    """Take the names from an ini file."""
    found = {key: config.get_main_option(key) or "" for key in KEYS}
    set_options({key: value for key, value in found.items() if value})


def set_options(options: dict[str, str]) -> None:
    """Take the names from options of `MigrationContext.configure`."""
    _options.clear()
    _options.update(options)
    NOT_OF_MODELS[0] = name()


def options() -> dict[str, str]:
    """Return the options of `MigrationContext.configure` that name it."""
    return dict(_options)


def name() -> str:
    """Return its name."""
    return _options.get("version_table", "alembic_version")
