"""What differs between two schemas, as data."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from migrator.catalog.schema import Key, Schema

# Where a column was added does not matter, nor who owns what, unless it is asked for.
ON_REQUEST = frozenset({"position", "owner", "grants", "members"})


@dataclass(frozen=True)
class Difference:
    """One object that only one of two schemas has, or one property that differs.

    `property` is empty for a whole object; then `before` or `after` is None, and the other one has
    the object's properties.
    """

    key: Key
    property: str
    before: Any
    after: Any

    def describe(self, before: str, after: str) -> str:
        """Return it as a sentence.

        Args:
            before: what the first schema is of, for example "the database".
            after: what the second one is of.
        """
        if self.property:
            return (
                f"{self.key}: {self.property.replace('_', ' ')} is {_shown(self.before)} in"
                f" {before}, {_shown(self.after)} in {after}"
            )
        has, lacks = (after, before) if self.before is None else (before, after)
        return f"{self.key} is in {has}, but not in {lacks}"


def diff(before: Schema, after: Schema, also: Collection[str] = ()) -> list[Difference]:
    """Return what leads from one schema to the other; nothing if they are equal.

    What belongs to a table that only one of them has is not listed by itself.

    Args:
        also: properties of ON_REQUEST to compare, too.
    """
    left_out = ON_REQUEST - set(also)
    return list(_differences(before, after, left_out))


def _differences(before: Schema, after: Schema, left_out: Collection[str]) -> Iterator[Difference]:
    for key in sorted({*before.objects, *after.objects}):
        old, new = before.objects.get(key), after.objects.get(key)
        if old is None or new is None:
            have, lack = (after, before) if old is None else (before, after)
            if not _belongs_to_another(key, have, lack):
                yield Difference(key, "", old, new)
        elif old != new:
            for name in sorted({*old, *new} - set(left_out)):
                if old.get(name) != new.get(name):
                    yield Difference(key, name, old.get(name), new.get(name))


def _belongs_to_another(key: Key, have: Schema, lack: Schema) -> bool:
    owners = (Key(kind, key.name[:-1]) for kind in ("table", "view", "materialized_view"))
    return any(owner in have.objects and owner not in lack.objects for owner in owners)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return shorten(" ".join(text.split()), 200, placeholder=" ...")
