"""The private names of Alembic and SQLAlchemy that the library uses, and whether they exist.

Run with the Python of an environment: it prints what the library uses and that environment's
Alembic and SQLAlchemy do not have, and ends with 1 if there is anything. `make bump` does so with
versions beyond the bounds in library/pyproject.toml.
"""

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent.parent / "library" / "src"
PACKAGES = ("alembic", "sqlalchemy")
# This object, or a module whose underscores say nothing about who may use a name.
OWN = ("self", "cls", "sys", "os")
# Whose each private attribute is that the library reads or calls. An import says that itself.
ATTRIBUTES = {
    "_all_down_revisions": "alembic.script.revision.Revision",
    "_autoincrement_column": "sqlalchemy.Table",
    "_copy": "sqlalchemy.Column",
    "_downgrade_revs": "alembic.script.ScriptDirectory",
    "_has_version_table": "alembic.runtime.migration.MigrationContext",
    "_in_external_transaction": "alembic.runtime.migration.MigrationContext",
    "_migrations_fn": "alembic.runtime.migration.MigrationContext",
    "_orig_branch_labels": "alembic.script.revision.Revision",
    "_proxy": "alembic.util.langhelpers.ModuleClsProxy",
    "_reverse": "alembic.operations.ops.DropConstraintOp",
    "_objects": "sqlalchemy.MetaData",
    "_sequences": "sqlalchemy.MetaData",
    "_transaction": "alembic.runtime.migration.MigrationContext",
    "_type_bound": "sqlalchemy.Constraint",
    "_upgrade_revs": "alembic.script.ScriptDirectory",
    "_variant_mapping": "sqlalchemy.types.TypeEngine",
    "_version_locations": "alembic.script.ScriptDirectory",
    "_versioned_down_revisions": "alembic.script.revision.Revision",
}


def used_attributes(library: Path = LIBRARY) -> set[str]:
    """Return the private attributes that the library takes from objects of others.

    Its own are taken from `self` and `cls` only.
    """
    return {
        node.attr
        for tree in _trees(library)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and _private(node.attr)
        and not (isinstance(node.value, ast.Name) and node.value.id in OWN)
    }


def used_imports(library: Path = LIBRARY) -> set[tuple[str, str]]:
    """Return module and name of everything that the library imports from both packages."""
    return {
        (node.module, alias.name)
        for tree in _trees(library)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        if node.module.split(".")[0] in PACKAGES
        for alias in node.names
    }


def missing() -> list[str]:
    """Return the names that the library uses and that this environment's packages do not have."""
    attributes = (f"{ATTRIBUTES[name]}.{name}" for name in used_attributes() if name in ATTRIBUTES)
    imports = (f"{module}.{name}" for module, name in used_imports())
    return sorted(name for name in {*attributes, *imports} if not _exists(name))


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _trees(library: Path) -> Iterator[ast.Module]:
    for path in sorted(library.rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _exists(path: str) -> bool:
    """Tell whether a module, something in one, or an attribute of a class there exists."""
    module, _, name = path.rpartition(".")
    try:
        owner = importlib.import_module(module)
    except ImportError:
        outer, _, inner = module.rpartition(".")
        if not outer or not _exists(module):
            return False
        owner = getattr(importlib.import_module(outer), inner)
    if hasattr(owner, name):
        return True
    if inspect.isclass(owner):  # what only its objects, or a module, have is set in a method
        sets = rf"\bself\.{name}\b[^=\n]*=|\[\"{name}\"\] ="
        return re.search(sets, inspect.getsource(owner)) is not None
    try:
        importlib.import_module(path)
    except ImportError:
        return False
    return True


def main() -> int:
    """Print what is missing; return 1 if anything is."""
    broken = missing()
    for name in broken:
        print(name)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
