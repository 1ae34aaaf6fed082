"""Model discovery: import all models below the packages that the ini file names.

    autoimport_models = app.models, billing.models   packages to search, including subfolders
    autoimport_exclude = tests, app.models.legacy*   modules to leave out, with all below them
    autoimport_base = app.models.base:Base           the declarative base of the tables

For autogenerate, a table without a model is a table to drop. Therefore a module that cannot be
imported stops the command before anything is written.
"""

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from alembic.config import Config
from sqlalchemy import MetaData, Table

from migrator.config import application, imports
from migrator.config.exclusions import Exclusions
from migrator.console import note
from migrator.errors import UsageError


def metadata(config: Config) -> MetaData:
    """Return the metadata of `autoimport_base`, importing only the module of the base.

    Every command needs its naming convention, which also names the constraints that a
    hand-written revision leaves unnamed.

    Raises:
        UsageError: the key is missing, or does not name a declarative base.
    """
    application.enter(config)
    path = _option(config, "autoimport_base")
    name, _, attribute = path.partition(":")
    found = getattr(getattr(imports.load(name, _ini(config)), attribute, None), "metadata", None)
    if not isinstance(found, MetaData):
        raise UsageError(
            f"autoimport_base = {path} in {_ini(config).name} does not name a declarative base;"
            " write it as package.module:Base."
        )
    return found


def import_models(config: Config) -> dict[str, list[Table]]:
    """Import all modules below `autoimport_models`, and return the tables by module.

    Tables that none of the modules defines (association tables, for example) are under "".

    Raises:
        UsageError: a module cannot be imported, a table belongs to another MetaData, a file was
            imported under two names, or there are no tables.
    """
    base = metadata(config)
    exclusions = Exclusions(_split(_key(config, "autoimport_exclude")))
    modules: dict[str, ModuleType] = {}
    with imports.no_garbage_collection():
        for package in _split(_option(config, "autoimport_models")):
            for name in _names(imports.load(package, _ini(config))):
                if not exclusions.exclude(name):
                    modules[name] = imports.load(name, _ini(config))
    for pattern in exclusions.unused():
        note(
            f"autoimport_exclude = {pattern} in {_ini(config).name} fits no module below"
            f" autoimport_models = {_option(config, 'autoimport_models')}, so it excludes nothing."
        )
    if config.cmd_opts:  # the alembic command ends soon; other programs manage their memory
        gc.freeze()
    found = {name: list(_tables(module)) for name, module in modules.items()}
    base_module = _option(config, "autoimport_base").partition(":")[0]
    _refuse_second_names([base_module, *(name for name, tables in found.items() if tables)])
    for name, tables in found.items():
        for table in tables:
            if table.metadata is not base:
                raise UsageError(
                    f"Table {table.fullname} of {name} belongs to another MetaData than"
                    " autoimport_base, so no revision would contain it; derive its model from that"
                    " base, or name the module in autoimport_exclude."
                )
    if not base.tables:
        raise UsageError(
            f"No table was found below autoimport_models = {_option(config, 'autoimport_models')}"
            f" in {_ini(config).name}, so a revision would drop every table; set the key to the"
            " package of your models, and derive them from autoimport_base."
        )
    owned = {table for tables in found.values() for table in tables}
    found[""] = [table for table in base.tables.values() if table not in owned]
    return found


def _names(package: ModuleType) -> Iterator[str]:
    """Yield the names of all modules of a package, including folders without __init__.py.

    `pkgutil.walk_packages` skips such folders, and ignores the ImportErrors of packages.
    """
    yield package.__name__
    for folder in getattr(package, "__path__", ()):
        for path in sorted(Path(folder).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if path.name == "__main__.py" or any(p.startswith(".") for p in parts):
                continue
            yield ".".join((package.__name__, *(p for p in parts if p != "__init__")))


def _refuse_second_names(names: Iterable[str]) -> None:
    """Refuse a file that was imported under two names: its tables would exist twice."""
    files = {os.path.realpath(str(sys.modules[name].__file__)): name for name in names}
    numbers = {_number(path) for path in files}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        # realpath, which looks at each folder of the path, is too slow for a thousand modules.
        if not path or _number(path) not in numbers:
            continue
        first = files.get(os.path.realpath(path))
        if first and first != name and name != "__main__":
            raise UsageError(
                f"{imports.relative(str(path))} was imported under two names, {first} and"
                f" {name}, so its classes exist twice; import it by one name everywhere"
                f" (from {first} import ...)."
            )


def _number(path: str) -> int | None:
    """The number of the file on its disk, the same for all its names."""
    with suppress(OSError):
        return os.stat(path).st_ino  # noqa: PTH116 - of each module, and Path takes its time
    return None


def _tables(module: ModuleType) -> Iterator[Table]:
    seen: set[Table] = set()
    for value in vars(module).values():
        table = value if isinstance(value, Table) else getattr(value, "__table__", None)
        defined_here = isinstance(value, Table) or getattr(value, "__module__", "") == (
            module.__name__
        )
        if isinstance(table, Table) and defined_here and table not in seen:
            seen.add(table)
            yield table


def _option(config: Config, key: str) -> str:
    value = _key(config, key)
    if not value:
        raise UsageError(
            f"{_ini(config).name} does not set {key} under [alembic], so no model can be found; add"
            " the key."
        )
    return value


def _key(config: Config, key: str) -> str:
    """Return a key of the history's section, which may leave it to [alembic]."""
    ini = config.file_config
    return config.get_main_option(key) or ini.get("alembic", key, fallback="") or ""


def _split(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _ini(config: Config) -> Path:
    return Path(config.config_file_name or "the configuration")
