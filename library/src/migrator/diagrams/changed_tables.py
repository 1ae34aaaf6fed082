"""The tables that differ between two schemas, with a word on each column that does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from migrator.catalog import Schema
from migrator.diagrams import entities, mermaid
from migrator.diagrams.entities import Column, Table

# Of one diagram in a comment, which has other things to say; GitHub refuses more than 65,536 bytes.
TABLES, CHARACTERS = 20, 10_000
COLUMNS = 15  # of a table with more, those that stay and are no key are left out


@dataclass(frozen=True)
class ChangedTables:
    """Tables that differ in columns, keys or references; by name, which are new or dropped."""

    tables: tuple[Table, ...]
    new: tuple[str, ...]
    dropped: tuple[str, ...]

    @classmethod
    def between(cls, before: Schema, after: Schema) -> "ChangedTables":
        """Compare two schemas."""
        old = {table.name: table for table in entities.read(before)}
        new = {table.name: table for table in entities.read(after)}
        return cls(
            tuple(
                _marked(old.get(name), new.get(name))
                for name in sorted({*old, *new})
                if old.get(name) != new.get(name)
            ),
            tuple(mermaid.name(name) for name in sorted(new.keys() - old.keys())),
            tuple(mermaid.name(name) for name in sorted(old.keys() - new.keys())),
        )

    def diagram(self) -> tuple[str, int]:
        """Return a diagram of as many tables as there is room for, and how many are left out."""
        drawn = ""
        shown: list[Table] = []
        for table in self.tables:
            longer = "\n".join(mermaid.diagram([*shown, table]))
            if len(shown) < TABLES and len(longer.encode()) <= CHARACTERS:
                drawn, shown = longer, [*shown, table]
        return drawn, len(self.tables) - len(shown)


def _marked(old: Table | None, new: Table | None) -> Table:
    if old is None or new is None:
        found = new or old
        assert found
        return found
    return replace(new, columns=tuple(_columns(old, new)))


def _columns(old: Table, new: Table) -> Iterator[Column]:
    before = {column.name: column for column in old.columns}
    names = {column.name for column in new.columns}
    for column in new.columns:
        was = before.get(column.name)
        if was is None:
            yield _said(column, "new")
        elif was != column:
            yield _said(column, _difference(was, column))
        elif column.keys or len(new.columns) <= COLUMNS:
            yield column
    yield from (_said(column, "dropped") for column in old.columns if column.name not in names)


def _difference(was: Column, now: Column) -> str:
    words = []
    if was.type != now.type:
        words.append(f"was {was.type}")
    if was.nullable != now.nullable:
        words.append("was nullable" if was.nullable else "was NOT NULL")
    if was.keys != now.keys:
        words.append(f"was {', '.join(was.keys) or 'no key'}")
    return ", ".join(words) or "other comment"


def _said(column: Column, what: str) -> Column:
    return replace(column, comment="; ".join(filter(None, [what, column.comment])))
