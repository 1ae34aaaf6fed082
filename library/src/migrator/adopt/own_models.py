"""The base of the models, and the modules that define them, in what env.py has imported."""

import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import MetaData, Table

OBJECT = 1000  # after all classes
LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


@dataclass(frozen=True)
class Models:
    """`base` is package.module:Name, `modules` what to import; empty if they were not found."""

    base: str = ""
    modules: tuple[str, ...] = ()
    tables: int = 0


def find(metadata: MetaData, folder: Path) -> Models:
    """Return where the models of `metadata` are, among the modules that have been imported."""
    loaded = [(name, each) for name, each in [*sys.modules.items()] if isinstance(each, ModuleType)]
    own = [(name, each) for name, each in loaded if _inside(each, folder)]
    defining = sorted(name for name, each in own if _defines(each, metadata))
    if not defining:  # they are in a package that is installed
        own = loaded
        defining = sorted(name for name, each in own if _defines(each, metadata))
    base = min(_bases(own, metadata), key=_order, default=None)
    base = base or min(_bases(loaded, metadata), key=_order, default=None)
    modules = tuple(_packages(defining, {name for name, _ in own}))
    return Models(base[1] if base else "", modules, len(metadata.tables))


def _order(found: tuple[int, str]) -> tuple[int, int, str]:
    """Sort what is as good as something else by how deep its module is."""
    return found[0], found[1].count("."), found[1]


def _inside(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None) or ""
    return (
        bool(file)
        and module.__name__ != "__main__"
        and Path(file).resolve().is_relative_to(folder)
        and not file.startswith(LIBRARIES)
    )


def _defines(module: ModuleType, metadata: MetaData) -> bool:
    return any(
        isinstance(table, Table)
        and table.metadata is metadata
        and (table is each or getattr(each, "__module__", "") == module.__name__)
        for each in [*vars(module).values()]
        for table in (each if isinstance(each, Table) else vars_of(each).get("__table__"),)
    )


def vars_of(value: Any) -> dict[str, Any]:
    """Return the attributes of a class, without running any code of it."""
    return dict(vars(value)) if isinstance(value, type) else {}


def _has(value: Any, metadata: MetaData) -> bool:
    """Tell whether `value` has the metadata, without asking what makes attributes up."""
    try:
        if isinstance(value, type) or hasattr(type(value), "metadata"):
            return getattr(value, "metadata", None) is metadata
        return object.__getattribute__(value, "__dict__").get("metadata") is metadata
    except Exception:  # it has no attributes of its own, or is not ready
        return False


def _bases(modules: list[tuple[str, ModuleType]], metadata: MetaData) -> Iterator[tuple[int, str]]:
    """Yield what has the metadata, the best first: a base class, an object with it, itself."""
    for name, module in modules:
        for attribute, value in [*vars(module).items()]:
            if attribute.startswith("_") or "." in attribute:
                continue
            if value is metadata:
                yield OBJECT + 1, f"{name}:{attribute}"
                continue
            if (
                not _has(value, metadata)
                or isinstance(value, Table)
                or "__mapper__" in vars_of(value)
            ):
                continue
            if isinstance(value, type):
                here = value.__module__ == name and value.__name__ == attribute
                above = [each for each in value.__mro__ if _has(each, metadata)]
                yield 2 * len(above) - here, f"{name}:{attribute}"
            else:
                yield OBJECT, f"{name}:{attribute}"


def _packages(defining: list[str], loaded: set[str]) -> Iterator[str]:
    """Yield what to import instead of single modules: packages of models.

    They are those that env.py imports all of, and that hold more than one module with models, or
    are called so: a package of something else would be imported for nothing, and may not like it.
    """
    left = list(defining)
    while left:
        name = left[0]
        while (package := name.rpartition(".")[0]) and _all_loaded(package, loaded):
            more = _inside_of(package, defining) > max(1, _inside_of(name, defining))
            if not more and not (name in defining and "model" in package.rpartition(".")[2]):
                break
            name = package
        left = [each for each in left if not f"{each}.".startswith(f"{name}.")]
        yield name


def _inside_of(package: str, modules: list[str]) -> int:
    return len([each for each in modules if each.startswith(f"{package}.")])


def _all_loaded(package: str, loaded: set[str]) -> bool:
    if package not in loaded:
        return False
    for folder in getattr(sys.modules[package], "__path__", ()):
        for path in Path(folder).rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join((package, *(each for each in parts if each != "__init__")))
            if name not in loaded:
                return False
    return True
