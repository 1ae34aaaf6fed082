"""Revision files that cannot be imported: what stands for them in the graph.

Their identifiers are read from the text, so that the other revisions keep their places. Their
`upgrade` raises what the import has raised.
"""

import ast
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from alembic import util
from alembic.script import Script

REASON = "migrator_unreadable"


def reason(script: Script) -> str:
    """Return why the file of a revision cannot be imported, or nothing."""
    return str(getattr(script.module, REASON, ""))


@contextmanager
def tolerated() -> Iterator[None]:
    """Let a stand-in take the place of each revision that cannot be imported meanwhile.

    Of a file whose identifier cannot be read either, the error stays one.
    """
    load = util.load_python_file

    def tolerant(folder: Any, name: str) -> Any:
        try:
            return load(folder, name)
        except Exception as error:  # a revision is somebody's Python
            module = _stand_in(Path(folder, name), error)
            if module is None:
                raise
            return module

    util.load_python_file = tolerant  # type: ignore[assignment]
    try:
        yield
    finally:
        util.load_python_file = load


def _stand_in(path: Path, error: Exception) -> types.ModuleType | None:
    values = _constants(path)
    if not isinstance(values.get("revision"), str) or "down_revision" not in values:
        return None
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"

    def upgrade() -> NoReturn:
        raise error

    module = types.ModuleType(path.stem, str(values.pop("__doc__", None) or ""))
    module.__dict__.update(values, __file__=str(path), upgrade=upgrade, downgrade=upgrade)
    setattr(module, REASON, text)
    return module


def _constants(path: Path) -> dict[str, Any]:
    """Return what is assigned at the top of a file, where that is a constant."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return {}
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):  # each line by itself
        body = [node for line in text.splitlines() for node in _parsed(line)]
    found: dict[str, Any] = {}
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    try:
                        found[target.id] = ast.literal_eval(node.value)
                    except (ValueError, TypeError):
                        continue
    return found


def _parsed(line: str) -> list[ast.stmt]:
    try:
        return ast.parse(line).body
    except (SyntaxError, ValueError):
        return []
