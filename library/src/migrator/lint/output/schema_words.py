"""The difference between two schemas, in words for a review."""

from collections.abc import Iterator
from typing import Any

from migrator.catalog import Difference, Key
from migrator.lint.output.report import Change

NAMED = {"not_null": "NOT NULL"}


def lines(change: Change) -> Iterator[str]:
    """Yield a line for each object that a revision adds, drops or changes."""
    changed: dict[Key, list[str]] = {}
    for each in change.differences:
        if each.property:
            changed.setdefault(each.key, []).append(_property(each))
        elif each.before is None:
            yield f"+ {_name(each.key)}{_described(each.key, each.after, change)}"
        else:
            yield f"- {_name(each.key)}"
    for key, properties in changed.items():
        yield f"~ {_name(key)}: {'; '.join(properties)}"


def _name(key: Key) -> str:
    name = key.name[1:] if len(key.name) > 1 and key.name[0] == "public" else key.name
    return f"{key.kind.replace('_', ' ')} {'.'.join(name)}"


def _property(difference: Difference) -> str:
    name = NAMED.get(difference.property, difference.property.replace("_", " "))
    if isinstance(difference.before or difference.after, bool):
        return f"no longer {name}" if difference.before else f"now {name}"
    if difference.before is None:
        return f"{name} {_text(difference.after)} added"
    if difference.after is None:
        return f"{name} {_text(difference.before)} removed"
    return f"{name} {_text(difference.before)} becomes {_text(difference.after)}"


def _described(key: Key, properties: Any, change: Change) -> str:
    if key.kind == "table":
        columns = [
            f"{each.name[-1]} {_column(own)}"
            for each, own in change.after.objects.items()
            if each.kind == "column" and each.name[:-1] == key.name
        ]
        return f" ({', '.join(columns)})"
    if key.kind == "column":
        return f" {_column(properties)}"
    definition = properties.get("definition") or properties.get("values")
    return f": {_text(definition)}" if definition else ""


def _column(properties: Any) -> str:
    words = [properties.get("type", "")]
    if properties.get("not_null"):
        words.append("NOT NULL")
    if default := properties.get("default"):
        words.append(f"DEFAULT {default}")
    return " ".join(filter(None, words))


def _text(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return " ".join(text.split())
