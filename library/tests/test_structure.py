"""The library's packages import each other in one direction only: see migrator.ORDER."""

import ast
import importlib
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

import migrator
from migrator.arguments import COMMANDS

LIBRARY = Path(migrator.__file__).parent
SOURCES = sorted(LIBRARY.rglob("*.py"))


def package(path: Path) -> str:
    """The top-level package or module of a file."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The dotted names that one file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "migrator":
            yield from (f"migrator.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_every_package_is_in_the_order() -> None:
    found = {package(path) for path in SOURCES}
    assert sorted(migrator.ORDER) == sorted(name for name in found if not name.startswith("__"))


def test_few_modules_are_loose() -> None:
    assert len(list(LIBRARY.glob("*.py"))) <= 5


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_one_way(path: Path) -> None:
    own = package(path)
    if own.startswith("__"):
        return
    allowed = migrator.ORDER[: migrator.ORDER.index(own) + 1]
    names = [name.split(".")[1] for name in imported(path) if name.startswith("migrator.")]
    assert [name for name in names if not name.startswith("__") and name not in allowed] == []


@pytest.mark.parametrize(
    "name", ["environment", *(f"commands.{name.replace('-', '_')}" for name in COMMANDS)]
)
def test_a_command_imports_what_it_needs(name: str) -> None:
    """In a process that has imported nothing of `migrator`, as when it is started."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["alembic.command", "psycopg", "sqlalchemy.orm"])
    process = processes.Process(target=importlib.import_module, args=(f"migrator.{name}",))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_the_library_does_not_know_the_application() -> None:
    wrong = {path: name for path in SOURCES for name in imported(path) if name.startswith("app")}
    assert wrong == {}
