"""What breaks code that still runs, whatever it locks: drops, renames, and NOT NULL.

Not a change of type: one that only widens breaks nothing, and of the others squawk and the trace
tell.
"""

from collections.abc import Iterator

from alembic.script import Script, ScriptDirectory

from migrator.postgres import sql
from migrator.revisions import attributes
from migrator.revisions.attributes import EXPAND, Attributes


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

    def learn(self, statement: str) -> None:
        """Note the columns that a statement adds, and the defaults that it sets."""
        for table, action in _actions(statement):
            if column := sql.added(action):
                self._added.add((table, column))
            if column := sql.filled(action):
                self._filled.add((table, column))

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
