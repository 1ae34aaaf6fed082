"""What a column is, by a catalog: its type, and what fills it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrator.catalog import Key, Schema
from migrator.operations.numbering import Options
from migrator.postgres import sql

# The highest values of a sequence by its type, which is where one ends if it does not say.
LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
SERIAL = "serial"
SERIALS = {"smallint": "SMALLSERIAL", "integer": "SERIAL", "bigint": "BIGSERIAL"}


@dataclass(frozen=True)
class Numbering:
    """The sequence of a column.

    Attributes:
        kind: "always" or "by default" for an identity, else "serial".
        sequence: its name, without the schema.
        type: of its values.
        options: those that are not PostgreSQL's own.
    """

    kind: str
    sequence: str
    type: str
    options: Options

    @property
    def is_serial(self) -> bool:
        """Whether it is the default of the column, and no identity."""
        return self.kind == SERIAL


@dataclass(frozen=True)
class ColumnState:
    """A column as a catalog has it.

    Attributes:
        default: in SQL, None where a sequence of the column itself numbers the rows.
        generated: the expression of a generated column.
        stored: its values are in the table.
    """

    type: str
    collation: str | None
    not_null: bool
    default: str | None
    generated: str | None
    stored: bool
    numbering: Numbering | None
    comment: str | None

    def differing(self, other: "ColumnState") -> list[str]:
        """Return the names of the properties that differ."""
        return [name for name, value in vars(self).items() if value != getattr(other, name)]


def states(schema: Schema) -> dict[tuple[str, ...], ColumnState]:
    """Return all columns by schema, table and name."""
    owned = {
        sql.identifiers(str(properties["owned_by"])): (key, properties)
        for key, properties in schema.objects.items()
        if key.kind == "sequence" and properties.get("owned_by")
    }
    return {
        key.name: _state(properties, owned.get(key.name))
        for key, properties in schema.objects.items()
        if key.kind == "column"
    }


def _state(
    properties: Mapping[str, Any], sequence: tuple[Key, Mapping[str, Any]] | None
) -> ColumnState:
    numbering = _numbering(properties, *sequence) if sequence else None
    return ColumnState(
        type=properties["type"],
        collation=properties.get("collation"),
        not_null=bool(properties.get("not_null")),
        default=None if numbering else properties.get("default"),
        generated=properties.get("generated"),
        stored=properties.get("generated_kind") == "stored",
        numbering=numbering,
        comment=properties.get("comment"),
    )


def _numbering(
    column: Mapping[str, Any], key: Key, sequence: Mapping[str, Any]
) -> Numbering | None:
    default = str(column.get("default", ""))
    if not column.get("identity") and not default.startswith("nextval("):
        return None  # it owns the sequence, and something else fills it
    kind = str(sequence["type"])
    increment = sequence.get("increment", 1)
    down = increment < 0
    lowest, highest = (-LARGEST[kind] - 1, -1) if down else (1, LARGEST[kind])
    low, high = sequence.get("minimum", 0), sequence.get("maximum", 0)
    start = sequence.get("start", 0)
    options = Options(
        start=None if start == (high if down else low) else start,
        increment=None if increment == 1 else increment,
        minvalue=None if low == lowest else low,
        maxvalue=None if high == highest else high,
        cycle=bool(sequence.get("cycle")),
        cache=None if sequence.get("cache", 1) == 1 else sequence["cache"],
    )
    return Numbering(str(column.get("identity", SERIAL)), key.name[-1], kind, options)
