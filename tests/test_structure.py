"""The machinery's modules import each other in one direction only, in the order it documents."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, TEMPLATE_FOLDER

PROJECT = REPOSITORY / TEMPLATE_FOLDER
MACHINERY = PROJECT / "migrator"
LAST = ("cli", "commands")  # what people type; it may use everything


def documented_order() -> list[str]:
    docstring = ast.get_docstring(ast.parse((MACHINERY / "__init__.py").read_text("utf-8"))) or ""
    listed = docstring.partition("in this order:")[2].partition(".")[0]
    return re.findall(r"[a-z_]+", listed)


def modules() -> list[str]:
    names = {path.relative_to(MACHINERY).parts[0].removesuffix(".py") for path in sources()}
    return sorted(name for name in names if not name.startswith("__"))


def sources() -> list[Path]:
    return sorted(path for path in MACHINERY.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The modules of migrator/ that one file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "migrator":
            found |= {alias.name for alias in node.names if not alias.name.startswith("__")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("migrator."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
            found |= {names[1] for names in parts if names[0] == "migrator" and len(names) > 1}
    return found


def test_every_module_is_in_the_documented_order() -> None:
    order = documented_order()
    assert sorted(order) == modules()
    assert tuple(order[-2:]) == LAST


@pytest.mark.parametrize("module", modules())
def test_imports_go_one_way(module: str) -> None:
    order = documented_order()
    above = {*order[: order.index(module) + 1], *(LAST if module in LAST else ())}
    wrong = {
        path.name: sorted(imported(path) - above)
        for path in sources()
        if path.relative_to(MACHINERY).parts[0].removesuffix(".py") == module
        if imported(path) - above
    }
    assert wrong == {}


def test_the_machinery_does_not_know_the_application() -> None:
    for path in sources():
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert "app" not in names, path
