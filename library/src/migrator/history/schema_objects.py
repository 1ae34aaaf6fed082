"""A schema as a list of objects with their SQL, for comparing two databases."""

from dataclasses import dataclass
from difflib import unified_diff
from fnmatch import fnmatchcase

from migrator.postgres.sql import mentions

Key = tuple[str, str, str]
# What remains when everything else is dropped: it belongs to the schema `public`, or to roles.
OF_TABLES = {"TRIGGER", "RULE", "POLICY", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT"}
LASTING = {"ACL", "DEFAULT ACL", "OWNER", "COMMENT", "SECURITY LABEL"}


@dataclass(frozen=True)
class Object:
    """A table, an index, a function, or another object.

    Args:
        kind: in capitals, as in the output of pg_dump.
        statements: the SQL that creates the object.
        compared: the text to compare: the statements, or a normalised form without meaningless
            differences.
        table: the name of the table as SQL writes it, if the object is a table.
        on: the table that the object belongs to, if it is known.
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
        """What identifies the object in its database."""
        return self.kind, self.schema, self.name

    @property
    def title(self) -> str:
        """The kind and name, for messages."""
        where = f"{self.schema}." if self.schema not in ("", "-") else ""
        return f"{self.kind.lower()} {where}{self.name}"

    def called(self, pattern: str) -> bool:
        """Return whether accepted_drift.toml means this object, which it calls as the catalog does.

        `type` is the kind of enums, composite types and ranges, and `trigger public.users.touch`
        is that of a table.
        """
        kind, _, name = pattern.partition(" ")
        known = "type" if kind in ("enum", "composite", "range") else kind.replace("_", " ")
        of_table = self.name.replace(" ", ".", 1) if self.kind in OF_TABLES else self.name
        return fnmatchcase(
            f"{self.kind.lower()} {self.schema.strip('-')}.{of_table}".replace(" .", " "),
            f"{known} {name}",
        )

    def dropped_by(self, statement: str) -> bool:
        """Return whether a DROP of pg_dump drops this object."""
        said, name = statement.replace('"', ""), self.name.rpartition(" ")[2]
        if self.kind == "USER MAPPING":
            return said.startswith("DROP USER MAPPING ")
        where = f"{self.schema}." if self.schema not in ("", "-") else ""
        begin = f"DROP {self.kind} {'' if self.kind in OF_TABLES else where}"
        of_table = f"{begin}{name} ON " if self.kind in OF_TABLES else f"{begin}{self.name}"
        return said.startswith(of_table) if self.kind in OF_TABLES else said == of_table

    def concerns(self, table: str) -> bool:
        """Whether the object belongs to `table` (as SQL writes it), or refers to it."""
        return self.on == table or any(mentions(text, table) for text in self.statements)


@dataclass(frozen=True)
class Schema:
    """All objects, in an order in which they can be created, and the SQL that drops them.

    Args:
        first: the number of objects that depend on no table and are created before all tables.
        left_out: what is in the database, and neither in `objects` nor in `drops`.
    """

    objects: tuple[Object, ...]
    drops: tuple[str, ...]
    first: int = 0
    left_out: tuple[Object, ...] = ()

    @property
    def tables(self) -> dict[str, Object]:
        """The tables, by their names as SQL writes them."""
        return {found.table: found for found in self.objects if found.table}


def missing(wanted: Schema, found: Schema) -> list[Object]:
    """Return the objects of `wanted` that are not in `found`."""
    keys = {other.key for other in found.objects}
    return [one for one in wanted.objects if one.key not in keys]


def wrong(wanted: Schema, found: Schema) -> list[Object]:
    """Return the objects of `found` that are not in `wanted`, or differ there."""
    right = {one.key: one.compared for one in wanted.objects}
    return [other for other in found.objects if right.get(other.key) != other.compared]


def difference(wanted: Schema, found: Schema) -> str:
    """Return the differences as lines with + and -; empty if the schemas are equal."""
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
    """Return the objects that a downgrade to base should have dropped."""
    return [one for one in schema.objects if one.kind not in LASTING]
