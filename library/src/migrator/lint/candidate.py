"""An action of a revision, and what is around it: what rules look at before anything has run."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.lint import known_changes
from migrator.lint.change import Change
from migrator.lint.history import History
from migrator.lint.statements import Action

if TYPE_CHECKING:
    from migrator.lint.rendering import Statement


@dataclass(frozen=True)
class Placed:
    """An action, the statement that it belongs to, and the number of its transaction."""

    action: Action
    statement: "Statement"
    transaction: int


@dataclass(frozen=True)
class Candidate:
    """An action about something that is in use, and what is around it.

    Attributes:
        phase: of the revision; empty if the revision does not say it.
        earlier: the actions of the revision before it that are about something in use.
        later: all actions of the revision behind it.
        history: the schema before it.
        change: what the same change has added before.
        new: the names of what the deploy has created before.
        nested: it stands in a DO block; `repeated` if in a loop there.
        in_transaction: it is in the transaction of the revision, whose number is `transaction`.
        accompanied: it is sent with other statements in one text.
        rows: how many rows of constants, or by a key, it writes; `rows_before` how many the
            transaction has written to the table before it.
    """

    action: Action
    phase: str = ""
    earlier: tuple[Placed, ...] = ()
    later: tuple[Placed, ...] = ()
    history: History = field(default_factory=History)
    change: Change = field(default_factory=Change)
    new: frozenset[str] = frozenset()
    nested: bool = False
    repeated: bool = False
    in_transaction: bool = True
    transaction: int = 0
    accompanied: bool = False
    rows: int = 0
    rows_before: int = 0

    @property
    def kind(self) -> str:
        """The kind of the action."""
        return self.action.kind

    def locked_before(self) -> set[str]:
        """Return the tables in use that an earlier action of the transaction has locked."""
        return {
            each.action.table
            for each in self.earlier
            if each.transaction == self.transaction
            and self.in_transaction
            and each.action.has("strong lock")
        }

    def referred_before(self) -> set[str]:
        """Return the tables in use to which the transaction has added a foreign key."""
        added = (
            each.action.refers
            for each in self.earlier
            if each.action.adds("foreign key") and each.transaction == self.transaction
        )
        return {name for names in added for name in names if self.in_transaction} - self.new

    def drops_leftover(self) -> bool:
        """Return whether a DROP ... IF EXISTS is about what an earlier attempt has left.

        That is what the revision makes again just as it is, in another transaction.
        """
        action, schema = self.action, self.history.schema
        may_be_left = schema.of_database and action.has("if exists")
        found = schema.dropped(action) if may_be_left else None
        return found is not None and any(
            each.action.kind in ("create index", "add constraint")
            and each.action.name == action.name
            and not (self.in_transaction and each.transaction == self.transaction)
            and (not found.valid or (found.whole and known_changes.made(each.action) == found))
            for each in self.later
        )

    def is_read_by_old_name(self) -> bool:
        """Return whether a table that is renamed here is a view under its old name at once."""
        return self.kind == "rename table" and any(
            each.action.kind == "create view"
            and each.action.name == self.action.table
            and each.action.refers == (self.action.new_name,)
            and self.in_transaction
            and each.transaction == self.transaction
            for each in self.later
        )

    def made_again(self) -> Action | None:
        """Return what makes again, under the same name, what the transaction drops here."""
        what = self.kind.partition(" ")[2].removeprefix("materialized ")
        names = (self.action.table, self.action.name)
        for each in self.later:
            if (
                each.action.kind.endswith(f" {what}")
                and each.action.kind.startswith("create ")
                and (each.action.table, each.action.name) == names
                and self.action.value in (None, each.action.value)
                and each.transaction == self.transaction
            ):
                return each.action
        return None
