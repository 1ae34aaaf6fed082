"""What statements do to the session and the transaction."""

from collections.abc import Iterator

from migrator.lint.statements.action import Action
from migrator.lint.statements.nodes import Node, constant, unwrap, word

# They are about the transaction alone.
OF_TRANSACTION = ("transaction", "transaction snapshot")
ENDS = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_ROLLBACK": "rollback",
    "TRANS_STMT_PREPARE": "prepare transaction",
}
EVERYTHING = "all"


def setting(node: Node) -> Iterator[Action]:
    """Yield what a SET or a RESET does; `value` is None if it goes back to the default."""
    kind, name = word(node, "kind"), node.name.lower()
    local = frozenset({"local"} if node.is_local else ())
    if kind == "VAR_RESET_ALL":
        yield Action("set", name=EVERYTHING)
    elif name not in OF_TRANSACTION and kind != "VAR_SET_CURRENT":
        values = [_value(each) for each in node.args]
        default = kind in ("VAR_SET_DEFAULT", "VAR_RESET") or values == ["none"]
        yield Action("set", name=name, value=None if default else ", ".join(values), facts=local)


def discard(_node: Node) -> Iterator[Action]:
    """Yield what a DISCARD does."""
    yield Action("set", name=EVERYTHING)


def transaction(node: Node) -> Iterator[Action]:
    """Yield which end of a transaction a statement is."""
    kind = word(node, "kind")
    if kind in ENDS:
        yield Action(ENDS[kind])


def _value(node: Node) -> str:
    kind, inner = unwrap(node)
    return str(constant(inner.arg) if kind == "type_cast" else constant(node) or "")
