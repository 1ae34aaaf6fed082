"""Which names of a project's modules are models: mapped classes, tables and metadata.

The modules are read and not imported: an application may need settings that are not there.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

SAY_MAPPED = ("__tablename__", "__table__")
MAKE = ("Table", "MetaData", "declarative_base", "automap_base")
RE_EXPORTS = 4  # one module through another


def is_mapped(name: str) -> bool:
    """Return whether a dotted name is a model, or a module of the project that has models."""
    parts = name.split(".")
    for number in range(len(parts), 0, -1):
        if file := _file(tuple(parts[:number])):
            return _has(file, parts[number:], RE_EXPORTS)
    return False


def _file(module: Sequence[str]) -> Path | None:
    """Return the file of a module that is not installed."""
    for folder in dict.fromkeys(sys.path):  # Alembic adds the project's for each configuration
        if "site-packages" in folder or folder.startswith(sys.base_prefix):
            continue
        path = Path(folder or ".", *module)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def _has(file: Path, names: Sequence[str], depth: int) -> bool:
    mapped, imported = _read(file)
    if not names or names[0] == "*":
        return bool(mapped)
    if names[0] in mapped:
        return True
    if names[0] not in imported or depth == 0:
        return False
    level, module, name = imported[names[0]]
    if level:
        above = file.parents[level - 1]
        path = Path(above, *module)
        files = (path.with_suffix(".py"), path / "__init__.py") if module else ()
        found = next((each for each in (*files, above / "__init__.py") if each.is_file()), None)
    else:
        found = _file(module)
    return found is not None and _has(found, [name], depth - 1)


@cache
def _read(file: Path) -> tuple[frozenset[str], dict[str, tuple[int, tuple[str, ...], str]]]:
    """Return the models in a file, and the names that it imports: from where, and which."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset(), {}
    imported = {
        each.asname or each.name: (node.level, tuple((node.module or "").split(".")), each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
    return frozenset(_mapped(tree)), imported


def _mapped(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            of_sqlmodel = any(each.arg == "table" for each in node.keywords)
            if of_sqlmodel or any(name in SAY_MAPPED for name in _assigned(node.body)):
                yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            called = node.value.func
            if (called.attr if isinstance(called, ast.Attribute) else _id(called)) in MAKE:
                yield from _assigned([node])


def _assigned(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Assign):
            yield from map(_id, node.targets)
        elif isinstance(node, ast.AnnAssign):
            yield _id(node.target)
        elif isinstance(node, ast.FunctionDef):  # @declared_attr
            yield node.name


def _id(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
