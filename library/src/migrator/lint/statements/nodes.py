"""Nodes of the parser's tree: names, types, and what is below them."""

from collections.abc import Iterable, Iterator
from typing import Any

from migrator.lint.statements.action import Type

# A node is a message of protobuf, whose classes are made at run time.
Node = Any
PUBLIC, SYSTEM = "public", "pg_catalog"


def unwrap(node: Node) -> tuple[str, Node]:
    """Return the kind of a node, as `column_def`, and what it holds; "" for an empty one."""
    kind = node.WhichOneof("node")
    return (kind, getattr(node, kind)) if kind else ("", None)


def word(message: Node, field: str) -> str:
    """Return the name of a value, as "AT_AddColumn", where a field has one of several."""
    values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(values[getattr(message, field)].name)


def walk(message: Node) -> Iterator[Node]:
    """Yield a message and everything below it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in (value,) if hasattr(value, "ListFields") else value:
                yield from walk(each)


def find(message: Node, kind: str) -> Iterator[Node]:
    """Yield the messages of one kind, as "FuncCall", in and below a message."""
    return (each for each in walk(message) if each.DESCRIPTOR.name == kind)


def text(node: Node) -> str:
    """Return the string in a node."""
    return str(node.string.sval)


def texts(nodes: Iterable[Node]) -> list[str]:
    """Return the strings in nodes."""
    return [text(each) for each in nodes]


def dotted(parts: Iterable[str]) -> str:
    """Return a name with its schema, unless that is public or the system's."""
    found = [part for part in parts if part]
    if len(found) > 1 and found[-2] in (PUBLIC, SYSTEM):
        return found[-1]
    return ".".join(found[-2:])


def relation(node: Node) -> str:
    """Return the name of a RangeVar."""
    return dotted((node.schemaname, node.relname))


def sources(node: Node) -> tuple[str, ...]:
    """Return the tables that a SELECT reads, in its FROM and in what is joined there."""
    found: list[str] = []
    for part in node.from_clause:
        found += [relation(each) for each in find(part, "RangeVar")]
    for side in (node.larg, node.rarg) if node.HasField("larg") else ():  # a UNION or the like
        found += sources(side)
    return tuple(dict.fromkeys(found))


def beside(table: str, name: str) -> str:
    """Return a name in the schema of a table."""
    return dotted((table.rpartition(".")[0], name))


def named(node: Node) -> str:
    """Return the name in a node that a DROP or a RENAME has: a list, a function, a type."""
    kind, inner = unwrap(node)
    match kind:
        case "string":
            return str(inner.sval)
        case "list":
            return dotted(texts(each for each in inner.items if each.HasField("string")))
        case "object_with_args":
            return dotted(texts(inner.objname))
        case "type_name":
            return dotted(texts(inner.names))
    return ""


def type_of(node: Node) -> Type:
    """Return the type that a TypeName writes."""
    numbers = tuple(int(each.a_const.ival.ival) for each in node.typmods if each.a_const.ByteSize())
    return Type(dotted(texts(node.names)), numbers, bool(node.array_bounds))


def is_on(option: Node) -> bool:
    """Return whether an option in brackets is switched on, as FULL in `VACUUM (FULL)` is."""
    kind, inner = unwrap(option.arg)
    match kind:
        case "boolean":
            return bool(inner.boolval)
        case "integer":
            return bool(inner.ival)
        case "string":
            return str(inner.sval).lower() not in ("off", "false", "no", "0")
    return True


def constant(node: Node) -> str | None:
    """Return the text of a constant; None for NULL, and for what is none."""
    kind, inner = unwrap(node)
    if kind == "type_cast":
        return constant(inner.arg)
    if kind != "a_const" or inner.isnull:
        return None
    value = inner.WhichOneof("val")
    match value:
        case "ival":
            return str(inner.ival.ival)
        case "fval":
            return str(inner.fval.fval)
        case "boolval":
            return "true" if inner.boolval.boolval else "false"
        case "sval":
            return str(inner.sval.sval)
        case "bsval":
            return str(inner.bsval.bsval)
    return None
