"""Tables, their columns and their references, as a diagram shows them, from a catalog."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from migrator.catalog import Key, Schema
from migrator.postgres.sql.definitions import index_columns, index_definition
from migrator.sqlite.sql import unique_index_columns

Name = tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column; `keys` are those of PK, FK and UK that it is."""

    name: str
    type: str
    keys: tuple[str, ...] = ()
    nullable: bool = False
    comment: str = ""


@dataclass(frozen=True)
class Reference:
    """A foreign key to the table `to`.

    Attributes:
        optional: a row need not refer to another.
        unique: at most one row refers to the same.
    """

    to: Name
    columns: tuple[str, ...]
    optional: bool
    unique: bool


@dataclass(frozen=True)
class Table:
    """A table; its name begins with its schema on PostgreSQL."""

    name: Name
    columns: tuple[Column, ...]
    references: tuple[Reference, ...]


def read(schema: Schema) -> list[Table]:
    """Return the tables by name; partitions are left out, since their table has their columns."""
    own: dict[Name, dict[Key, Mapping[str, Any]]] = defaultdict(dict)
    for key, properties in schema.objects.items():
        if key.kind in ("column", "constraint", "index"):
            own[key.name[:-1]][key] = properties
    names = [
        key.name
        for key, properties in schema.objects.items()
        if key.kind == "table" and not properties.get("partition_bound")
    ]
    return [_table(name, own[name], names) for name in sorted(names)]


def _table(name: Name, own: Mapping[Key, Mapping[str, Any]], names: Collection[Name]) -> Table:
    primary, unique = _keys(own)
    columns = {
        key.name[-1]: properties
        for key, properties in sorted(own.items(), key=lambda each: each[1].get("position", 0))
        if key.kind == "column"
    }
    required = {each for each, properties in columns.items() if properties.get("not_null")}
    required |= primary  # which SQLite does not say of the column
    references = tuple(_references(own, required, {*unique, primary}, names))
    foreign = {column for reference in references for column in reference.columns}

    def keys(column: str) -> Iterator[str]:
        if column in primary:
            yield "PK"
        if column in foreign:
            yield "FK"
        if frozenset({column}) in unique:
            yield "UK"

    described = (
        Column(
            column,
            str(properties.get("type", "")),
            tuple(keys(column)),
            column not in required,
            str(properties.get("comment", "")),
        )
        for column, properties in columns.items()
    )
    return Table(name, tuple(described), references)


def _keys(
    own: Mapping[Key, Mapping[str, Any]],
) -> tuple[frozenset[str], set[frozenset[str]]]:
    """Return the columns of the primary key, and those of each other key."""
    primary: frozenset[str] = frozenset()
    unique = set()
    for key, properties in own.items():
        if key.kind == "index" and (found := _indexed(key, properties)):
            unique.add(found)
        elif properties.get("type") == "unique":
            unique.add(frozenset(properties.get("columns", ())))
        elif key.kind == "constraint" and properties.get("type") == "primary key":
            primary = frozenset(properties.get("columns", ()))
    return primary, unique


def _indexed(key: Key, properties: Mapping[str, Any]) -> frozenset[str] | None:
    definition = str(properties.get("definition", ""))
    if properties.get("unique"):
        found = index_columns(index_definition(definition, *reversed(key.name[-2:])))
    else:
        found = unique_index_columns(definition)  # SQLite says it in the definition
    return frozenset(found) or None


def _references(
    own: Mapping[Key, Mapping[str, Any]],
    required: Set[str],
    unique: Collection[frozenset[str]],
    names: Collection[Name],
) -> Iterator[Reference]:
    for key in sorted(own):
        properties = own[key]
        if key.kind != "constraint" or properties.get("type") != "foreign key":
            continue
        local = tuple(properties.get("columns", ()))
        if to := tuple(properties.get("referenced", ())) or _on_sqlite(properties, names):
            once = any(each <= set(local) for each in unique if each)
            yield Reference(to, local, not required >= set(local), once)


def _on_sqlite(properties: Mapping[str, Any], names: Collection[Name]) -> Name:
    """Return the table in `references users ( id )`, the longest that fits."""
    said = str(properties.get("references", ""))
    fits = (name for name in names if said.startswith(f"references {name[-1].lower()} ("))
    return max(fits, key=lambda name: len(name[-1]), default=())
