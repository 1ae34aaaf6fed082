"""What stands for the connection while a revision is rendered: it notes what would be sent."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.exc import CompileError

from migrator.postgres import sql


class NeedsDatabase(AttributeError):
    """The revision goes on with an answer of the database, or asks what only that has."""


class Unknown:
    """An answer that nobody has: whoever looks at it needs the database."""

    def __getattr__(self, name: str) -> Any:
        raise NeedsDatabase("the revision reads from the database")

    def __iter__(self) -> Any:
        raise NeedsDatabase("the revision reads from the database")

    def __bool__(self) -> bool:
        raise NeedsDatabase("the revision reads from the database")


class Connection(MockConnection):
    """What `op.get_bind()` returns: `note` gets each statement; none is answered.

    It also gets how often the statement is sent.
    """

    def __init__(self, dialect: sa.Dialect, note: Callable[[str, int], None]) -> None:
        super().__init__(dialect, self._note)
        self._noted = note

    def _note(self, statement: Any, *parameters: Any) -> Unknown:
        self._noted(written(statement, self.dialect), _times(parameters))
        return Unknown()

    def execute(self, obj: Any, *parameters: Any, **_options: Any) -> Unknown:
        """Note a statement."""
        return self._note(obj, *parameters)

    def exec_driver_sql(self, statement: str, *parameters: Any, **_options: Any) -> Unknown:
        """Note a statement in the driver's own form."""
        self._noted(sql.numbered(statement).replace("%%", "%"), _times(parameters))
        return Unknown()

    def scalar(self, statement: Any, *_parameters: Any, **_options: Any) -> Unknown:
        """Note a statement whose one value is wanted."""
        return self._note(statement)

    scalars = scalar

    def begin_nested(self) -> Self:
        """Begin a savepoint, which changes nothing here."""
        return self

    begin = begin_nested

    # What an ORM session asks before it sends its statements.
    closed, is_active, is_valid = False, True, True

    def in_transaction(self) -> bool:
        """Return that a session may begin and end one: that is no statement here."""
        return False

    in_nested_transaction = in_transaction

    def close(self) -> None:
        """End the use of a session, whose connection goes on."""

    def commit(self) -> None:
        """End the transaction, which the rule about that finds in the revision's Python."""

    rollback = commit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """End a savepoint."""

    def __getattr__(self, name: str) -> Any:
        raise NeedsDatabase(f"the revision asks the connection for {name}")


def _times(parameters: Sequence[Any]) -> int:
    """Return how often a statement is sent: once for each of a list of parameters."""
    several = parameters[0] if parameters else None
    return len(several) if isinstance(several, list) else 1


def written(statement: Any, dialect: sa.Dialect) -> str:
    """Return a statement as SQL: its values where they can be written, else $1."""
    if isinstance(statement, sa.schema.ExecutableDDLElement):
        return str(statement.compile(dialect=dialect))
    # The one that was configured may write :name, which is no SQL.
    own: sa.Dialect = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]
    wanted = sa.text(statement) if isinstance(statement, str) else statement
    try:
        return str(wanted.compile(dialect=own, compile_kwargs={"literal_binds": True}))
    except CompileError:
        return str(wanted.compile(dialect=own, compile_kwargs={"render_postcompile": True}))
