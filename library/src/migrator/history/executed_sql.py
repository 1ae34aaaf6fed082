"""The SQL that revisions execute themselves, which autogenerate does not see, with its line."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script

EXECUTES = {"execute", "exec_driver_sql", "bulk_insert", "scalar", "scalars", "executemany"}
MAX_LENGTH = 70  # characters of a statement


@dataclass(frozen=True)
class ExecutedSQL:
    """A call that executes SQL, and the beginning of its text."""

    revision: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.revision} line {self.line}: {self.text}"


def find(scripts: list[Script]) -> list[ExecutedSQL]:
    """Return what the upgrades execute, in the order of revisions and lines."""
    return [found for script in scripts for found in _in_file(script)]


def _in_file(script: Script) -> Iterator[ExecutedSQL]:
    source = Path(script.path).read_text(encoding="utf-8")
    module = ast.parse(source)
    module.body = [
        part
        for part in module.body
        if not (isinstance(part, ast.FunctionDef) and part.name == "downgrade")
    ]
    calls = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in EXECUTES
    ]
    for call in sorted(calls, key=lambda node: node.lineno):
        code = _sql(call) or ast.get_source_segment(source, call) or ""
        text = " ".join(code.split())
        short = text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
        yield ExecutedSQL(script.revision, call.lineno, short)


def _sql(call: ast.Call) -> str:
    """Return the SQL, if it is a string literal in the call."""
    for node in call.args[:1]:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                return part.value if call.func.attr != "bulk_insert" else ""  # type: ignore[attr-defined]
    return ""
