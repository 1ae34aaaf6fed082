"""Foreign keys that refer to a key which is replaced: they come to refer to the new one.

They are dropped and added again in the transaction of the swap, NOT VALID: from then on they hold
for every writer, and what was there before has held under the old ones. Then they are validated,
which blocks nobody. Until that is done they have temporary names, and comments that say the rest,
so that the next run can finish it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from migrator.errors import MigratorError
from migrator.operations import conditions, names, validation
from migrator.operations.session import Session

NOT_VALID = " NOT VALID"
MARK = "migrator: becomes "
COLUMNS = """
SELECT k.conname, k.conrelid::regclass::text, pg_get_constraintdef(k.oid),
       coalesce(obj_description(k.oid, 'pg_constraint'), ''), t.relkind = 'p'
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
"""
# A constraint and its index have the same name.
TO_KEY = """JOIN pg_catalog.pg_class i ON i.oid = k.conindid
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid = {table} AND i.relname = {name}
ORDER BY 2, 1
"""
UNFINISHED = (
    """WHERE k.contype = 'f' AND k.confrelid = {table} AND
  starts_with(obj_description(k.oid, 'pg_constraint'), '"""
    + MARK
    + """')
ORDER BY 2, 1
"""
)


@dataclass(frozen=True)
class Reference:
    """A foreign key of the table `child`, whose name is quoted."""

    name: str
    child: str
    definition: str
    comment: str
    is_partitioned: bool

    @property
    def drop(self) -> str:
        """The statement that drops it."""
        return f"ALTER TABLE {self.child} DROP CONSTRAINT {names.column(self.name)}"

    def add(self, *, validated: bool) -> list[str]:
        """Return the statements that add it again.

        Args:
            validated: at once, while its rows are locked.
        """
        name, definition, comment = self.name, self.definition, self.comment
        if not validated and not definition.endswith(NOT_VALID):
            name, definition = names.cut(f"{name}_replacement"), definition + NOT_VALID
            comment = MARK + json.dumps([self.name, comment])
        add = f"ALTER TABLE {self.child} ADD CONSTRAINT {names.column(name)} {definition}"
        return [add, self._comment(name, comment)] if comment else [add]

    def finish(self, session: Session) -> None:
        """Validate one that was added again, and give it its name."""
        validation.validate(session, self.child, self.name)
        name, comment = json.loads(self.comment.removeprefix(MARK))
        rename = f"ALTER TABLE {self.child} RENAME CONSTRAINT {names.column(self.name)}"
        last = [f"{rename} TO {names.column(name)}", self._comment(name, comment)]
        session.run_together([("true", each) for each in last])

    def _comment(self, name: str, text: str) -> str:
        on = f"CONSTRAINT {names.column(name)} ON {self.child}"
        return f"COMMENT ON {on} IS {names.literal(text) if text else 'NULL'}"


def to_key(session: Session, target: str, name: str) -> list[Reference]:
    """Return the foreign keys that refer to a key; none under `--sql`, where nobody can know.

    Args:
        target: the quoted name of the table.
        name: of the constraint or the index.

    Raises:
        MigratorError: one is of a partitioned table, where it cannot be NOT VALID.
    """
    if session.offline:
        return []
    where = TO_KEY.format(table=conditions.regclass(target), name=names.literal(name))
    found = [Reference(*row) for row in session.rows(COLUMNS + where)]
    if any(each.is_partitioned for each in found):
        raise refusal(target, name, found)
    return found


def around(
    found: Sequence[Reference], swap: Sequence[tuple[str, str]], *, validated: bool
) -> list[tuple[str, str]]:
    """Return the statements of a swap with those for the foreign keys around them."""
    drops = [("true", each.drop) for each in found]
    adds = [("true", line) for each in found for line in each.add(validated=validated)]
    return [*drops, *swap, *adds]


def finish(session: Session, target: str) -> None:
    """Validate the foreign keys to a table that were added again, here or in a run before."""
    if not session.offline:
        where = UNFINISHED.format(table=conditions.regclass(target))
        for row in session.rows(COLUMNS + where):
            Reference(*row).finish(session)


def refusal(target: str, name: str, found: Sequence[Reference]) -> MigratorError:
    """Return the error for foreign keys that find no other key."""
    shown = ", ".join(f"{each.name} of {each.child}" for each in found)
    return MigratorError(
        f"{name} of {target} cannot be replaced, because foreign keys refer to it: {shown}."
        " This operation has changed nothing. If they are to refer to another key of the same"
        " columns, add that one in a revision before. Else drop them in a revision before, and add"
        " them again in one after it."
    )
