"""What is in a shadow database, table by table, so that what has not changed is not looked at."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from migrator.trace.names import TYPES, Names


@dataclass(frozen=True)
class ForeignKey:
    """A validated foreign key of a table; `filled` if its columns have a default."""

    definition: str
    columns: list[int]
    filled: bool


@dataclass(frozen=True)
class Table:
    """A table with its indexes. Relations are known by their oids, which outlive renames.

    `files` are the files that they are kept in, `width` is the number of the last column.
    """

    name: str = ""
    width: int = 0
    files: dict[int, int | None] = field(default_factory=dict)
    foreign_keys: dict[int, ForeignKey] = field(default_factory=dict)


NONE = Table()


@dataclass(frozen=True)
class Schemas:
    """What is there, by oid: tables, and the names that code goes by (`used`).

    Two readings share the objects of what is the same in both.
    """

    tables: dict[int, Table] = field(default_factory=dict)
    used: dict[int, Names] = field(default_factory=dict)

    def replaced(self, touched: Collection[int] | None, by: "Schemas") -> "Schemas":
        """Return these, with the tables that are `touched`, and all types, from another reading.

        Without `touched`, everything is.
        """
        tables, used = dict(self.tables), dict(self.used)
        for oid in tables.keys() | used.keys() if touched is None else {*touched, TYPES}:
            if oid not in by.tables:
                tables.pop(oid, None)
            if oid not in by.used:
                used.pop(oid, None)
        tables.update((oid, new) for oid, new in by.tables.items() if tables.get(oid) != new)
        used.update((oid, new) for oid, new in by.used.items() if used.get(oid) != new)
        return Schemas(tables, used)


def of(found: Any) -> Schemas:
    """Return what the query of the schemas has found."""
    schemas = Schemas()
    tables = {oid: (name, width) for oid, name, _, table, width in found["relations"]
              if oid == table}  # fmt: skip
    for oid, _, file, table, _ in found["relations"]:
        if table in tables:
            schemas.tables.setdefault(table, Table(*tables[table])).files[oid] = file
    for oid, table, *rest in found["foreign_keys"]:
        if table in tables:
            schemas.tables[table].foreign_keys[oid] = ForeignKey(*rest)
    for kind, oid, number, whose, name in found["names"]:
        owner = TYPES if kind == "value" else oid
        schemas.used.setdefault(owner, {})[kind, oid, number] = whose, name
    return schemas


def names(readings: Iterable[Schemas], oids: Iterable[int]) -> dict[int, str]:
    """Return the names of those relations that are tables, in the last reading that has them."""
    found = [*oids]
    return {oid: each.tables[oid].name for each in readings for oid in found if oid in each.tables}


def changed(before: Schemas, after: Schemas) -> Iterator[tuple[int, Table, Table]]:
    """Yield the tables that are new, with an empty one before, or not the same as before."""
    if before is not after:
        for oid, now in after.tables.items():
            then = before.tables.get(oid, NONE)
            if then is not now:
                yield oid, then, now


def rewritten(before: Schemas, after: Schemas) -> set[int]:
    """Return the tables that are kept in other files than before, or whose indexes are."""
    return {
        oid
        for oid, then, now in changed(before, after)
        if any(now.files.get(each, file) != file for each, file in then.files.items())
    }


def validated(before: Schemas, after: Schemas) -> set[int]:
    """Return the tables that were read from end to end because of a foreign key.

    Its query may use an index, so that no counter of scans grows. It is left out for a column that
    is new and NULL, and for a key that is made again because the type of its column changes.
    """
    found = set()
    for oid, then, now in changed(before, after):
        known = {key.definition for key in then.foreign_keys.values()}
        new = (key for each, key in now.foreign_keys.items() if each not in then.foreign_keys)
        if any(key.definition not in known and (key.filled or min(key.columns) <= then.width)
               for key in new):  # fmt: skip
            found.add(oid)
    return found
