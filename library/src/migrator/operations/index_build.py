"""One index of one table, built without blocking writers, whatever an earlier attempt has left."""

from dataclasses import dataclass

from sqlalchemy import Column, Index
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex

from migrator.errors import MigratorError
from migrator.operations import definitions, names
from migrator.operations.session import Session, block, state_of
from migrator.operations.wanted import index, refuse_other
from migrator.postgres import index_state
from migrator.postgres.index_state import IndexState
from migrator.postgres.limits import NOT_AVAILABLE

UNIQUE_VIOLATION = "23505"


class NotUnique(MigratorError):
    """Rows are not unique in the columns of a unique index."""


@dataclass(frozen=True)
class WantedIndex:
    """An index that is to be there.

    Args:
        target: the quoted name of its table.
        name: its own, as the catalog has it.
        full: its own, quoted and with the schema.
        statement: CREATE INDEX CONCURRENTLY.
        shown: the columns and expressions for people.
    """

    target: str
    name: str
    full: str
    statement: str
    unique: bool
    shown: str

    @classmethod
    def of(cls, index: Index) -> "WantedIndex":
        """Return what is to be in the catalog for an index of SQLAlchemy's."""
        assert index.table is not None
        index.dialect_options["postgresql"]["concurrently"] = True
        name = names.final_name(index)
        keys = tuple(each.name if isinstance(each, Column) else None for each in index.expressions)
        shown = (key or str(each) for key, each in zip(keys, index.expressions, strict=True))
        return cls(
            target=names.target_of(index),
            name=name,
            full=names.quoted(name, index.table.schema),
            statement=names.compiled(CreateIndex(index, if_not_exists=True)),
            unique=bool(index.unique),
            shown=", ".join(shown),
        )

    @classmethod
    def written(
        cls, name: str, target: str, schema: str | None, definition: str, *, unique: bool
    ) -> "WantedIndex":
        """Return what is to be in the catalog for an index whose definition is SQL.

        Args:
            definition: what stands behind the table in CREATE INDEX.
        """
        word = "UNIQUE INDEX" if unique else "INDEX"
        create = f"CREATE {word} CONCURRENTLY IF NOT EXISTS {names.column(name)}"
        full = names.quoted(name, schema)
        statement = f"{create} ON {target} {definition}"
        return cls(target, name, full, statement, unique, definition)

    def definition(self, session: Session) -> str:
        """Return it as the catalog would have it."""
        _, written = self.statement.split(f" ON {self.target} ", 1)
        return index(session, self.target, written, unique=self.unique)

    @property
    def drop(self) -> str:
        """The statement that drops it without waiting for its table."""
        return f"DROP INDEX CONCURRENTLY IF EXISTS {self.full}"

    @property
    def drop_invalid(self) -> str:
        """A statement that drops what an earlier attempt has left INVALID, and nothing else."""
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
        found = f"to_regclass({names.literal(self.full)})"
        return (
            f"EXISTS (SELECT 1 FROM pg_catalog.pg_index WHERE indexrelid = {found} AND {condition})"
        )


def build(session: Session, wanted: WantedIndex) -> None:
    """Build an index unless it is there.

    Raises:
        MigratorError: another index has the name, or the rows are not unique. Then there is no
            index.
        LockTimeout: another session is still building it.
    """
    if session.offline:
        session.run(wanted.drop_invalid)
        session.run(wanted.statement)
        session.expect(wanted.is_valid, f"{wanted.name} was not built")
        return
    found = existing(session, wanted)
    if found and found.valid:
        return
    with session.limits(lock_timeout=session.lock_deadline, statement_timeout=0):
        if found:
            session.run(wanted.drop)
        try:
            session.run(wanted.statement)
        except DBAPIError as error:
            # It would cost every write, for nothing. But what the build has waited for too long
            # the drop would wait for as well; then the next attempt drops it.
            if not error.connection_invalidated and state_of(error) != NOT_AVAILABLE:
                session.run(wanted.drop)
            if state_of(error) != UNIQUE_VIOLATION:
                raise
            raise NotUnique(
                f"{wanted.name} was not created: rows of {wanted.target} are not unique in"
                f" {wanted.shown}. Merge or fix those rows, and run the migration again."
            ) from error


def drop(session: Session, name: str) -> None:
    """Drop an index, if it is there, without blocking readers or writers of its table.

    Args:
        name: as SQL writes it, with the schema.
    """
    with session.limits(lock_timeout=session.lock_deadline, statement_timeout=0):
        session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def existing(session: Session, wanted: WantedIndex) -> IndexState | None:
    """Return the index that has the name; wait until nobody is building it any more.

    Raises:
        MigratorError: it is another one.
        LockTimeout: somebody is still building it.
    """
    found = index_state.settled(session.ask, wanted.target, wanted.name, session.lock_deadline)
    if found is None:
        return None
    if found.same_table:
        there = definitions.any_index(session, wanted.target, wanted.name)
    else:
        there = found.definition
    refuse_other("index", wanted.name, wanted.target, there, wanted.definition(session))
    return found
