"""The bounds of a partition, as the condition that its rows have to meet."""

from collections.abc import Sequence

from migrator.lint.statements import written
from migrator.lint.statements.nodes import Node, texts
from migrator.postgres.constrained_rows import KEY, KEYS

LEAST, GREATEST = "minvalue", "maxvalue"


def condition(parent: str, bound: Node) -> str:
    """Return the condition, with placeholders for the key; nothing for a default partition.

    Args:
        parent: the partitioned table, as SQL.
    """
    if bound.is_default:
        return ""
    match bound.strategy:
        case "l":
            return f"({_listed(bound.listdatums)}) IS TRUE"
        case "h":
            table = "'" + parent.replace("'", "''") + "'"
            return (
                f"satisfies_hash_partition({table}::regclass, {bound.modulus}, {bound.remainder},"
                f" {KEYS})"
            )
    numbers = range(1, len(bound.lowerdatums) + 1)
    known = [f"{KEY.format(number)} IS NOT NULL" for number in numbers]
    lower = _compared(bound.lowerdatums, {LEAST: ">=", GREATEST: ">", "": ">="})
    upper = _compared(bound.upperdatums, {LEAST: "<", GREATEST: "<=", "": "<"})
    return f"({' AND '.join([*known, *lower, *upper])}) IS TRUE"


def _listed(values: Sequence[Node]) -> str:
    key = KEY.format(1)
    known = [written.expression(each) for each in values if not each.a_const.isnull]
    parts = [f"{key} IN ({', '.join(known)})"] if known else []
    if len(known) < len(values):
        parts.append(f"{key} IS NULL")
    return " OR ".join(parts)


def _compared(values: Sequence[Node], signs: dict[str, str]) -> list[str]:
    """Return how the key compares with a bound: by the columns before one without an end.

    Args:
        signs: by what ends the list: MINVALUE, MAXVALUE or nothing.
    """
    keys, bounds, end = [], [], ""
    for number, each in enumerate(values, 1):
        word = "".join(texts(each.column_ref.fields)) if each.HasField("column_ref") else ""
        if word in (LEAST, GREATEST):
            end = word
            break
        keys.append(KEY.format(number))
        bounds.append(written.expression(each))
    if not keys:
        return []
    return [f"({', '.join(keys)}) {signs[end]} ({', '.join(bounds)})"]
