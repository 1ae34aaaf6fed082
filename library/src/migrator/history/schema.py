"""A schema as a list of objects with their SQL, which is what two databases are compared by."""

from dataclasses import dataclass
from difflib import unified_diff

from migrator.postgres.sql import mentions

Key = tuple[str, str, str]
# What stays when everything else is dropped: it belongs to the schema `public`, or to roles.
LASTING = {"ACL", "DEFAULT ACL", "OWNER", "COMMENT", "SECURITY LABEL"}


@dataclass(frozen=True)
class Object:
    """One table, index, function or the like.

    Args:
        kind: in capitals, as pg_dump says it.
        statements: the SQL that makes it.
        compared: what has to be equal; the statements' text, or a form of it in which differences
            that mean nothing are gone.
        table: the name of the table as SQL writes it, if this is a table.
        on: the table that it belongs to, where that is known.
    """

    kind: str
    schema: str
    name: str
    statements: tuple[str, ...]
    compared: str
    table: str = ""
    on: str = ""

    @property
    def key(self) -> Key:
        """What identifies it in its database."""
        return self.kind, self.schema, self.name

    @property
    def title(self) -> str:
        """Its name for people."""
        where = f"{self.schema}." if self.schema not in ("", "-") else ""
        return f"{self.kind.lower()} {where}{self.name}"

    def concerns(self, table: str) -> bool:
        """Whether it belongs to `table` (as SQL writes it), or names it."""
        return self.on == table or any(mentions(text, table) for text in self.statements)


@dataclass(frozen=True)
class Schema:
    """All objects in an order in which they can be made, and the SQL that drops them.

    Args:
        first: how many of the objects depend on no table, and are made before all tables.
    """

    objects: tuple[Object, ...]
    drops: tuple[str, ...]
    first: int = 0

    @property
    def tables(self) -> dict[str, Object]:
        """The tables by their names as SQL writes them."""
        return {found.table: found for found in self.objects if found.table}


def missing(wanted: Schema, found: Schema) -> list[Object]:
    """Return the objects of `wanted` that `found` does not have at all."""
    keys = {other.key for other in found.objects}
    return [one for one in wanted.objects if one.key not in keys]


def wrong(wanted: Schema, found: Schema) -> list[Object]:
    """Return the objects of `found` that `wanted` does not have, or has otherwise."""
    right = {one.key: one.compared for one in wanted.objects}
    return [other for other in found.objects if right.get(other.key) != other.compared]


def difference(wanted: Schema, found: Schema) -> str:
    """Return what differs, as lines with + and -; empty when the two are the same."""
    left = {one.key: one.compared for one in wanted.objects}
    right = {other.key: other.compared for other in found.objects}
    lines: list[str] = []
    for key in {**left, **right}:
        before, after = left.get(key, ""), right.get(key, "")
        if before != after:
            lines.append(f"{key[0].lower()} {key[1]}.{key[2]}:")
            changes = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))
            lines += [f"  {line}" for line in changes[2:] if not line.startswith("@@")]
    return "\n".join(lines)


def remains(schema: Schema) -> list[Object]:
    """Return what a downgrade to base should have dropped."""
    return [one for one in schema.objects if one.kind not in LASTING]
