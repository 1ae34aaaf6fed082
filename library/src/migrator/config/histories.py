"""The histories of a project: one, or the tenants' and one of shared tables that comes before it.

    [alembic]
    shared_history = shared

    [shared]                                  a section as Alembic's option -n names it
    script_location = %(here)s/migrations
    version_locations = %(here)s/migrations/shared
    version_table_schema = shared             its schema, or all of them in `schemas`

Each owns the tables in its own schemas: what is in others is neither compared nor written into its
revisions. The history that a command works on is that of the process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from alembic.config import Config

from migrator.config import alembic_config, version_table
from migrator.config.context import Context
from migrator.config.target import Target
from migrator.errors import UsageError

MAIN = "alembic"  # the section of the tenants' history, and of the only one
KEY = "shared_history"

_only: set[str] = set()
_without: set[str] = set()


def use(config: Config) -> None:
    """Work on the history of this configuration from now on."""
    version_table.use(config)
    _only.clear()
    _without.clear()
    if config.config_ini_section != MAIN:
        _only.update(_schemas(config, config.config_ini_section))
    elif name := shared_name(config):
        _without.update(_schemas(config, name))


@contextmanager
def used(context: Context) -> Iterator[None]:
    """Work on another history for a while."""
    before = set(_only), set(_without), version_table.options()
    use(context.config)
    try:
        yield
    finally:
        for kept, names in zip((_only, _without), before[:2], strict=True):
            kept.clear()
            kept.update(names)
        version_table.set_options(before[2])


def owns(schema: str | None) -> bool:
    """Tell whether the history owns a schema; None is the default one."""
    return schema in _only if _only else schema not in _without


def is_one_of_several() -> bool:
    """Tell whether the project has another history, too."""
    return bool(_only or _without)


def own_schemas() -> frozenset[str]:
    """Return the schemas that the history is limited to; empty if it has all others, or all."""
    return frozenset(_only)


def others_schemas() -> frozenset[str]:
    """Return the schemas that another history owns."""
    return frozenset(_without)


def shared_name(config: Config) -> str:
    """Return the section of the history of shared tables; empty if there is none."""
    return config.file_config.get(MAIN, KEY, fallback="").strip()


def shared(context: Context) -> Context | None:
    """Return the context of the shared history, on which this one stands; None if there is none.

    Raises:
        UsageError: the ini file names a section that it does not have.
    """
    name = shared_name(context.config)
    if not name or context.config.config_ini_section != MAIN:
        return None
    config = alembic_config.read(context.ini, name)
    if not config.file_config.has_section(name):
        raise UsageError(
            f"{context.ini} says {KEY} = {name}, and has no section [{name}]: docs/fleet.md shows"
            " what belongs there."
        )
    target = Target(config) if type(context.target) is Target else context.target
    return replace(context, config=config, target=target)


def every(context: Context) -> list[Context]:
    """Return the contexts of all histories, that of the shared tables first."""
    first = shared(context)
    return [first, context] if first else [context]


def file_name(context: Context, name: str) -> str:
    """Return what a file of the history is called: with its section, if it is not the main one."""
    section = context.config.config_ini_section
    stem, dot, ending = name.partition(".")
    return name if section == MAIN else f"{stem}-{section}{dot}{ending}"


def _schemas(config: Config, section: str) -> list[str]:
    for key in ("schemas", "version_table_schema"):
        if found := config.file_config.get(section, key, fallback="").replace(",", " ").split():
            return found
    raise UsageError(
        f"The section [{section}] has to say which schemas its history owns: version_table_schema"
        " for one, or schemas for several."
    )
