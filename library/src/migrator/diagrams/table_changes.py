"""What a revision changes, as tables before and after."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrator.catalog import Difference, Key, Schema
from migrator.catalog.differences import ON_REQUEST
from migrator.diagrams import mermaid

# Of a table, in the order in which they are shown.
PARTS = ("column", "constraint", "index", "trigger", "policy")
KINDS = ("table", "view", "materialized_view")
# Said in the definition already, or of no interest to a reader.
NOT_SHOWN = ON_REQUEST | {"type", "definition", "columns", "referenced", "not_null", "default"}


@dataclass(frozen=True)
class Line:
    """A part of a table: what it is, and how it was and is; None where it was or is not there."""

    kind: str
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class TableChange:
    """A table or another object; `lines` are all its parts, also those that stay."""

    kind: str
    name: str
    lines: tuple[Line, ...]


def changes(before: Schema, after: Schema, differences: list[Difference]) -> list[TableChange]:
    """Return what differs by table; what belongs to no table is an object by itself."""
    owners = {_owner(each.key, before, after) for each in differences if not _of_column(each)}
    return [
        TableChange(key.kind, mermaid.name(key.name), tuple(_lines(key, before, after)))
        for key in sorted(owners)
    ]


def _of_column(difference: Difference) -> bool:
    """Return whether it is a sequence that comes or goes with its column."""
    whole = difference.key.kind == "sequence" and not difference.property
    return whole and "owned_by" in (difference.before or difference.after)


def _owner(key: Key, before: Schema, after: Schema) -> Key:
    for kind in KINDS:
        owner = Key(kind, key.name[:-1])
        if key.kind in PARTS and (owner in before.objects or owner in after.objects):
            return owner
    return key


def _lines(owner: Key, before: Schema, after: Schema) -> Iterator[Line]:
    found: dict[Key, tuple[Any, Any]] = {owner: _both(owner, before, after)}
    for schema in (before, after):
        for key in schema.objects:
            if key.kind in PARTS and key.name[:-1] == owner.name:
                found[key] = _both(key, before, after)
    for key, (old, new) in sorted(found.items(), key=lambda each: _place(each[0], *each[1])):
        was, now = _described(old), _described(new)
        if key != owner or was != now or len(found) == 1:
            yield Line(key.kind.replace("_", " "), key.name[-1], was, now)


def _place(key: Key, old: Any, new: Any) -> tuple[int, int, str]:
    part = PARTS.index(key.kind) if key.kind in PARTS else -1
    properties = old if new is None else new
    return part, properties.get("position", 0), key.name[-1]


def _both(key: Key, before: Schema, after: Schema) -> tuple[Any, Any]:
    return before.objects.get(key), after.objects.get(key)


def _described(properties: Mapping[str, Any] | None) -> str | None:
    if properties is None:
        return None
    words = [str(properties.get("definition") or properties.get("type") or "")]
    if properties.get("not_null"):
        words.append("NOT NULL")
    if default := properties.get("default"):
        words.append(f"DEFAULT {default}")
    for name in sorted(properties.keys() - NOT_SHOWN):
        words.append(f"{name.replace('_', ' ')}: {_text(properties[name])}")
    return "\n".join(" ".join(words).strip().splitlines())


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
