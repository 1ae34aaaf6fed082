"""One index of one table, built while the table is written to, whatever an earlier try has left."""

import time
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from migrator.console import note
from migrator.errors import MigratorError
from migrator.operations import catalog
from migrator.operations.running import Session, block, state_of

LIMITS = ("lock_timeout", "statement_timeout")
UNIQUE_VIOLATION = "23505"


@dataclass(frozen=True)
class Wanted:
    """An index that is to be there.

    Args:
        target: the quoted name of its table.
        name: its own, as the catalog has it.
        full: its own, quoted and with the schema.
        statement: CREATE INDEX CONCURRENTLY.
        columns: as the catalog would have them, None for an expression.
        shown: the columns and expressions for people.
    """

    target: str
    name: str
    full: str
    statement: str
    unique: bool
    columns: tuple[str | None, ...]
    shown: str

    @property
    def drop(self) -> str:
        """The statement that drops it without waiting for its table."""
        return f"DROP INDEX CONCURRENTLY IF EXISTS {self.full}"

    @property
    def drop_invalid(self) -> str:
        """A statement that drops what an earlier try has left, and nothing else."""
        # Not concurrently, which a block cannot: a brief lock on the table, or none.
        return block(
            f"IF {self._is('NOT indisvalid')} THEN\n    SET LOCAL lock_timeout = '1s';\n"
            f"    DROP INDEX {self.full};\n  END IF;"
        )

    @property
    def is_valid(self) -> str:
        """A condition: it is there and can be used."""
        return self._is("indisvalid")

    def _is(self, condition: str) -> str:
        found = f"to_regclass({catalog.literal(self.full)})"
        return (
            f"EXISTS (SELECT 1 FROM pg_catalog.pg_index WHERE indexrelid = {found} AND {condition})"
        )


def build(session: Session, wanted: Wanted) -> None:
    """Build an index unless it is there.

    Raises:
        MigratorError: another index has the name, or the rows are not unique. Then there is no
            index.
    """
    if session.offline:
        session.run(wanted.drop_invalid)
        session.run(wanted.statement)
        session.expect(wanted.is_valid, f"{wanted.name} was not built")
        return
    found = look(session, wanted)
    if found and found.valid:
        return
    if found:
        with session.without_limit(*LIMITS):
            session.run(wanted.drop)
    with session.without_limit(*LIMITS):
        try:
            session.run(wanted.statement)
        except DBAPIError as error:
            if not error.connection_invalidated:
                session.run(wanted.drop)  # it would cost every write, for nothing
            if state_of(error) != UNIQUE_VIOLATION:
                raise
            raise MigratorError(
                f"{wanted.name} was not created: rows of {wanted.target} are not unique in"
                f" {wanted.shown}. Merge or mend those rows, and run the migration again."
            ) from error


def look(session: Session, wanted: Wanted) -> catalog.FoundIndex | None:
    """Return the index that has the name; wait until nobody is building it any more.

    Raises:
        MigratorError: it is another one.
    """
    found = catalog.find_index(session, wanted.target, wanted.name)
    if found and found.builder:
        # The try before was killed, and its server process has not noticed yet.
        note(f"{wanted.name} is being built by process {found.builder}: waiting for it to end.")
    while found and found.builder:
        time.sleep(0.5)
        found = catalog.find_index(session, wanted.target, wanted.name)
    if found is None:
        return None
    pairs = zip(wanted.columns, found.columns, strict=False)
    differs = any(a and b and a != b for a, b in pairs)
    if not found.same_table or found.unique != wanted.unique or differs:
        raise MigratorError(
            f"There is another index {wanted.name} already, on other columns or another table."
            " Nothing was changed; drop that one, or give this one another name."
        )
    return found
