"""What code that still runs notices, whatever it locks: drops, renames, NOT NULL, constraints.

Not a change of type: one that only widens breaks nothing, and of the others squawk and the trace
tell.
"""

from collections.abc import Iterator, Sequence

from alembic.script import Script, ScriptDirectory

from migrator.postgres import sql
from migrator.revisions import attributes
from migrator.revisions.attributes import EXPAND, Attributes

DROPPED = ("DROP VIEW", "DROP MATERIALIZED VIEW", "DROP FUNCTION", "DROP PROCEDURE")


def earlier(directory: ScriptDirectory, script: Script) -> list[Script]:
    """Return the revisions of the same change before a non-transactional one, oldest first.

    Autogenerate puts it behind the expand revision of the change.
    """
    if attributes.of(script) != Attributes(EXPAND, transactional=False):
        return []
    found = []
    for parent in script._versioned_down_revisions:
        below = directory.get_revision(parent)
        if below and attributes.has_phase(below) and attributes.of(below).phase == EXPAND:
            found += [*earlier(directory, below), below]
    return found


class Columns:
    """The columns that a change adds and fills by itself: code before it may leave them out.

    Args:
        sure: False if it is not known what all of the change does.
    """

    def __init__(self, *, sure: bool = True) -> None:
        self._sure = sure
        self._added: set[tuple[str, str]] = set()
        self._filled: set[tuple[str, str]] = set()
        self._constraints: set[str] = set()

    def learn(self, statement: str) -> None:
        """Note the columns and constraints that a statement adds, and the defaults that it sets."""
        for table, action in _actions(statement):
            if column := sql.added(action):
                self._added.add((table, column))
            if column := sql.filled(action):
                self._filled.add((table, column))
            if constraint := sql.constraint(action, "ADD"):
                self._constraints.add(constraint)

    def breaks(self, statement: str) -> bool:
        """Return whether code that does not know of the change fails after a statement."""
        if _removes(statement):
            return True
        required = set()
        for table, action in _actions(statement):
            if sql.removes(action):
                return True
            if column := sql.required(action):
                required.add((table, column))
        return self._sure and not required <= self._added & self._filled

    def is_noticed(
        self, statement: str, later: Sequence[str] = (), *, nested: bool = False
    ) -> bool:
        """Return whether code that does not know of the change may violate or miss something.

        What is on a column of the change it cannot violate, and cannot need.

        Args:
            later: the statements behind it; what they drop is only there for the change itself.
            nested: it stands in a DO block, as what drops an index that is not valid.
        """
        if not self._sure:
            return False
        about = sql.subject(statement)
        if about.kind == "drop index":
            return not nested
        if sql.begins(statement, "CREATE UNIQUE INDEX"):
            return not self._is_on_new(about.names[0], statement)
        if sql.begins(statement, *DROPPED):
            return not any(sql.begins(each, "CREATE") for each in later)
        return any(
            self._is_action_noticed(table, action, later) for table, action in _actions(statement)
        )

    def _is_action_noticed(self, table: str, action: str, later: Sequence[str]) -> bool:
        if dropped := sql.constraint(action, "DROP"):
            return dropped not in self._constraints
        if not sql.adds_constraint(action):
            return sql.drops_default(action)
        own = sql.constraint(action, "ADD")
        helps = own and any(
            sql.constraint(each, "DROP") == own for text in later for _, each in _actions(text)
        )
        return not helps and not self._is_on_new(table, action)

    def _is_on_new(self, table: str, text: str) -> bool:
        own = [column for owner, column in self._added if owner == table]
        return any(sql.mentions(text, name) or sql.mentions(text, f'"{name}"') for name in own)


def _removes(statement: str) -> bool:
    return sql.begins(statement, "DROP TABLE") or any(
        gone(statement)
        for gone in (sql.drops_tables_of_schema, sql.moves_tables, sql.renames_enum_value)
    )


def _actions(statement: str) -> Iterator[tuple[str, str]]:
    about = sql.subject(statement)
    if about.kind == "alter table":
        for action in sql.actions(statement):
            yield about.names[0], action
