"""One thing that a statement does, as plain data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """A type: its name as the catalog has it (int4, varchar), and the numbers in brackets."""

    name: str
    numbers: tuple[int, ...] = ()
    array: bool = False


@dataclass(frozen=True)
class Action:
    """One thing that a statement does; an ALTER TABLE does several.

    Names are as PostgreSQL keeps them, with a schema that is not public.

    Attributes:
        kind: a verb and its object, as "add column" or "drop view".
        table: the table, or whatever has columns, that it is about.
        name: the column, constraint, index, setting or other object.
        new_name: the name after a rename.
        type: of a column.
        columns: of a key, a condition or a view; of a write, those that are limited to constants;
            of a trigger's function, those of NEW that it sets.
        refers: other tables that it reads or refers to.
        facts: what else counts, in the words of SQL: "concurrently", "not valid", "if exists".
        condition: the columns in the condition of an index, those of NEW in a trigger's function.
        value: of a setting; of a trigger its function; of a new constraint its kind; of a check
            the column that it wants to be NOT NULL.
        rows: how many rows of constants an INSERT has.
        body: of a function the statements in it, see `blocks.Inner`.
    """

    kind: str
    table: str = ""
    name: str = ""
    new_name: str = ""
    type: Type | None = None
    columns: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    facts: frozenset[str] = frozenset()
    value: str | None = None
    condition: tuple[str, ...] = ()
    rows: int = 0
    body: tuple[tuple[str, bool], ...] = ()

    def has(self, *facts: str) -> bool:
        """Return whether one of the facts holds."""
        return not self.facts.isdisjoint(facts)

    def adds(self, *kinds: str) -> bool:
        """Return whether it adds a constraint of one of the kinds: check, unique, primary key."""
        return self.kind == "add constraint" and self.value in kinds
