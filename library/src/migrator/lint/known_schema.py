"""The schema that an action meets, as a catalog or the SQL of earlier revisions tells it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from migrator.lint.statements import Action, Type

KEYS = ("primary key", "unique")


@dataclass
class Column:
    """A column; `required` if it is NOT NULL, `sequence` the one that belongs to it."""

    type: Type | None = None
    required: bool = False
    has_default: bool = False
    sequence: str = ""


@dataclass(frozen=True)
class Constraint:
    """A constraint or an index; `unique` if no two rows may have the same there.

    `wants` are the columns that a check or a constraint has NOT NULL. `whole` if there is no more
    to it than its columns: no condition, no expression.
    """

    kind: str
    columns: tuple[str, ...] = ()
    unique: bool = False
    valid: bool = True
    wants: tuple[str, ...] = ()
    whole: bool = False


@dataclass
class Table:
    """A table: its columns, and its constraints and indexes by their names.

    `created` if all of it is known, and not only what was changed; `identified` if a replica tells
    its rows apart without a primary key.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    indexes: dict[str, Constraint] = field(default_factory=dict)
    partitioned: bool = False
    created: bool = False
    identified: bool = False
    has_default_partition: bool = False

    @property
    def has_key(self) -> bool:
        """Whether it has a primary key."""
        kinds = {each.kind for each in self.constraints.values()}
        return "primary key" in kinds


@dataclass
class Schema:
    """All that is known; `sequences` are types by name, `views` the columns of each,
    `reads` the tables and views that each reads, `materialized` those that are stored,
    `functions` and `triggers` what created each, `checked` the domains with a condition.

    `sure` is false if the SQL of a revision is not known, so that something may be missing.
    `of_database` if it is what there is, so that an attempt at a revision may have left something.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, Type | None] = field(default_factory=dict)
    views: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    materialized: set[str] = field(default_factory=set)
    functions: dict[str, Action] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    triggers: dict[tuple[str, str], Action] = field(default_factory=dict)
    sure: bool = True
    of_database: bool = False

    def column(self, table: str, name: str) -> Column | None:
        """Return a column, None if the history does not tell of it."""
        found = self.tables.get(table)
        return found.columns.get(name) if found else None

    def is_read_again(self, table: str, column: str) -> bool:
        """Return whether another type of a column, even a wider one, reads the whole table.

        A check is checked, and an index with a condition or an expression is built again.
        """
        found = self.tables.get(table, Table())
        return any(
            column in each.columns and (each.kind == "check" or not each.whole)
            for each in (*found.constraints.values(), *found.indexes.values())
            if each.kind in ("check", "index")
        )

    @property
    def whole(self) -> bool:
        """Whether it has all that is there: of a database, or of a history from its beginning."""
        told = self.of_database or any(table.created for table in self.tables.values())
        return self.sure and told

    def is_in_view(self, table: str, column: str) -> bool:
        """Return whether a view has a column of a table, for certain.

        If it reads several tables, only this one has a column of the name.
        """
        return any(
            table in read
            and column in self.views.get(view, ())
            and all(self._lacks_column(each, column) for each in {*read} - {table})
            for view, read in self.reads.items()
        )

    def _lacks_column(self, table: str, column: str) -> bool:
        found = self.tables.get(table)
        return found is not None and found.created and column not in found.columns

    def has_no_table(self, name: str) -> bool:
        """Return whether there is no such table, nor anything else of that name, for certain."""
        return self.whole and bool(name) and name not in {*self.tables, *self.views}

    def table_of_index(self, index: str) -> str:
        """Return the table of an index, or nothing."""
        return next((name for name, each in self.tables.items() if index in each.indexes), "")

    def dropped(self, action: Action) -> Constraint | None:
        """Return the index or the constraint that an action drops, None if it is not known."""
        if action.kind == "drop index":
            table = self.table_of_index(action.name)
            return self.tables[table].indexes[action.name] if table else None
        return self.tables.get(action.table, Table()).constraints.get(action.name)

    def lacks(self, action: Action) -> bool:
        """Return whether a DROP ... IF EXISTS is about nothing that the history tells of.

        A table or a column may have been made by hand, with data, which only the database knows.
        """
        if not action.has("if exists") or not self.sure:
            return False
        if action.kind in ("drop table", "drop column") and not self.of_database:
            return False
        if action.kind in ("drop table", "drop view", "drop materialized view"):
            return self.has_no_table(action.table or action.name)
        if action.kind == "drop function":
            return self.whole and action.name not in self.functions
        if action.kind == "drop index":
            told = any(table.created for table in self.tables.values())
            return told and not self.table_of_index(action.name)
        table = self.tables.get(action.table)
        if table is None or not table.created:
            return False
        if action.kind == "drop column":
            return action.name not in table.columns
        return action.kind == "drop constraint" and action.name not in table.constraints

    def is_partitioned(self, table: str) -> bool:
        """Return whether a table is partitioned, as far as the history tells of it."""
        found = self.tables.get(table)
        return found is None or found.partitioned or not found.created

    def is_key(self, table: str, columns: Iterable[str]) -> bool:
        """Return whether no two rows of a table have the same in these columns, or may have not.

        Of a table that the history does not tell of, any column may be a key.
        """
        limited, found = set(columns), self.tables.get(table)
        if found is None or not found.created:
            return bool(limited)
        keys = (*found.constraints.values(), *found.indexes.values())
        return any(each.unique and limited.issuperset(each.columns) for each in keys)

    def has_check(self, table: str, column: str) -> bool:
        """Return whether a validated constraint wants a column to be NOT NULL."""
        found = self.tables.get(table, Table())
        return any(each.valid and column in each.wants for each in found.constraints.values())

    def table(self, name: str) -> Table:
        """Return a table, which is new if nothing is known of it."""
        return self.tables.setdefault(name, Table())
