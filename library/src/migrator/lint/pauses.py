"""Calls in a revision's Python that wait, or ask another system, in the middle of a transaction."""

import ast
from collections.abc import Callable, Iterable, Iterator

from migrator.lint.row_loops import is_autocommit_block

WAITS = (
    *("time.sleep", "asyncio.sleep", "input", "urllib.request.urlopen", "httpx.", "requests."),
    *("boto3.", "smtplib."),
)


def pauses(nodes: Iterable[ast.AST], dotted: Callable[[ast.AST], str]) -> Iterator[int]:
    """Yield the lines of such calls outside autocommit blocks.

    Args:
        dotted: returns the name of what an expression is, as "time.sleep".
    """
    for node in nodes:
        if is_autocommit_block(node):
            continue
        if isinstance(node, ast.Call) and dotted(node.func).startswith(WAITS):
            yield node.lineno
        yield from pauses(ast.iter_child_nodes(node), dotted)
