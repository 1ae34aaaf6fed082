"""The Python of a revision, as far as it can be judged without running it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

UPGRADE = "upgrade"


@dataclass(frozen=True)
class Call:
    """A call: its dotted name, as "op.get_bind().commit", and its line."""

    name: str
    line: int

    def ends_with(self, *names: str) -> bool:
        """Return whether the last part of the name is one of these."""
        return self.name.rpartition(".")[2] in names


@dataclass(frozen=True)
class Code:
    """What `upgrade` and the functions that it may use call, in their order, and the imports.

    `blocks` are the lines at which an autocommit block begins, each with the line of the statement
    directly before it.
    """

    text: str
    calls: tuple[Call, ...] = ()
    imports: tuple[tuple[str, int], ...] = ()
    attributes: tuple[Call, ...] = ()
    blocks: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, path: str) -> "Code":
        """Read a revision file."""
        return _read(Path(path).read_bytes())

    def line(self, number: int) -> str:
        """Return the text of a line, without the space around it."""
        return self.text.splitlines()[number - 1].strip()

    def lines_of(self, *names: str) -> list[int]:
        """Return the lines of calls whose last part is one of these names."""
        return sorted({call.line for call in self.calls if call.ends_with(*names)})


@lru_cache(maxsize=8)
def _read(content: bytes) -> Code:
    tree = ast.parse(content)
    used = [*_used(tree)]
    nodes = [node for part in used for node in ast.walk(part)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return Code(
        content.decode("utf-8", "replace"),
        tuple(Call(_dotted(node.func), node.lineno) for node in calls),
        tuple(_imports(tree)),
        tuple(Call(_dotted(node), node.lineno) for node in attributes),
        tuple(_blocks(nodes)),
    )


def _used(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield `upgrade`, and the functions of the file that it uses, one through another."""
    functions = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    left, seen = [UPGRADE], set()
    while left:
        name = left.pop()
        if name in functions and name not in seen:
            seen.add(name)
            yield functions[name]
            names = (node for node in ast.walk(functions[name]) if isinstance(node, ast.Name))
            left += (node.id for node in names)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{_dotted(node.func)}()"
    return node.id if isinstance(node, ast.Name) else ""


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _blocks(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, int]]:
    for node in nodes:
        body = getattr(node, "body", [])
        for before, after in pairwise(body) if isinstance(body, list) else ():
            if isinstance(after, ast.With) and any(
                _dotted(item.context_expr).endswith("autocommit_block()") for item in after.items
            ):
                yield after.lineno, before.lineno
