"""The source of a revision file."""

import ast
from pathlib import Path
from textwrap import dedent


def statement(path: str, line: int) -> str:
    """Return the Python statement at a line, without its indentation; nothing if there is none."""
    text = Path(path).read_text("utf-8")
    found = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or line)
    ]
    if not found:
        return ""
    innermost = max(found, key=lambda node: node.lineno)
    return dedent("\n".join(text.splitlines()[innermost.lineno - 1 : innermost.end_lineno]))
