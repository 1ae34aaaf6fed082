"""Rows that violate a constraint, in words and as data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from migrator.errors import counted
from migrator.postgres.violation_query import AddedConstraint


@dataclass(frozen=True)
class Violation:
    """Rows that violate a constraint; `rows` is None if counting them took too long.

    `constraint` is its name, empty if PostgreSQL chooses it, and `columns` are what it is about, as
    SQL writes it. `query` finds the rows, or for what is to be unique the values that several have.
    """

    kind: str
    table: str
    constraint: str
    columns: tuple[str, ...]
    rows: int | None
    query: str
    revision: str = ""

    @classmethod
    def of(cls, constraint: AddedConstraint, rows: int | None) -> Self:
        """Return the violation of a constraint."""
        kind, query = constraint.kind.replace(" ", "_"), f"{constraint.query()};"
        return cls(kind, constraint.table, constraint.name, constraint.keys, rows, query)

    def __str__(self) -> str:
        rows = "rows" if self.rows is None else counted(self.rows, "row")
        listed = ", ".join(self.columns)
        be, s, do = ("is", "s", "does") if self.rows == 1 else ("are", "", "do")
        what = {
            "unique": f"{be} not unique in {listed}",
            "exclude": f"conflict{s} in {listed}",
            "foreign_key": f"refer{s} to nothing in {listed}",
            "not_null": f"hold{s} NULL in {listed}",
            "partition": f"{do} not belong to the partition",
        }.get(self.kind, f"violate{s} the condition")
        name = f" ({self.constraint})" if self.constraint else ""
        return f"{rows} of {self.table} {what}{name}"

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self) | {"columns": list(self.columns)}


def details(found: Sequence[Violation]) -> list[tuple[str, str]]:
    """Return the lines below an error that say how many rows, and how to find them."""
    return [
        line for each in found for line in (("violation", str(each)), ("find them", each.query))
    ]


def of_data(found: Mapping[str, Any]) -> list[Violation]:
    """Return those in the data of an error."""
    each = found.get("violations", ())
    return [Violation(**{**one, "columns": tuple(one["columns"])}) for one in each]


def data(found: Sequence[Violation]) -> dict[str, Any]:
    """Return them for JSON; nothing if there are none."""
    return {"violations": [each.data() for each in found]} if found else {}
