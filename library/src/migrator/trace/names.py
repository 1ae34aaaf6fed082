"""The names that running code goes by: tables, columns, values of enums. Which ones are lost?

Rules read this from the statement; here the catalog tells, whatever did it: a DO block, a
function, DROP SCHEMA, Python that looks at the database first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

# `tables` is a condition on the tables (c).
ALL = """
WITH tables AS (
    SELECT c.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || relname AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname !~ '^pg_[mt]' AND {tables}
)
SELECT 'table', oid, 0, '', name FROM tables
UNION ALL SELECT 'column', attrelid, attnum, name, attname FROM pg_attribute
    JOIN tables ON attrelid = tables.oid WHERE attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'value', e.oid, 0, typname, enumlabel
    FROM pg_enum e JOIN pg_type t ON t.oid = enumtypid
"""

# What it is, its oid, and for a column its number: they outlive renames.
Key = tuple[str, int, int]
# By key whose it is (a column's table, a value's type) and the name.
Names = dict[Key, tuple[str, str]]
KINDS = ("table", "column", "value")
# Names are kept by their table (oid); those of types are here.
TYPES = 0


@dataclass(frozen=True)
class Loss:
    """A name that is gone: of a table, a column or a value of an enum; `new` if it was renamed."""

    kind: str
    name: str
    new: str = ""

    @property
    def what(self) -> str:
        """What happened, in words."""
        return f"renames {self.name} to {self.new}" if self.new else f"drops {self.name}"


def lost(before: Mapping[int, Names], after: Mapping[int, Names]) -> dict[Key, Loss]:
    """Return what had another name before, or was there, by table. New names are no loss."""
    found = {}
    for table, names in before.items():
        there: Names = after.get(table, {})
        if there is names:
            continue
        for key, (whose, name) in names.items():
            full = f"{whose}.{name}" if whose else name
            if key in there and (new := there[key][1]) != name:
                found[key] = Loss(key[0], full, new)
            elif key not in there and (
                key[0] == "table" or (key[0] == "column" and ("table", table, 0) in there)
            ):
                found[key] = Loss(key[0], full)
    return dict(sorted(found.items(), key=lambda each: KINDS.index(each[0][0])))


def still(before: Mapping[int, Names], after: Mapping[int, Names]) -> dict[int, Names]:
    """Return the names of `before` that are there yet, as they are `after` it."""
    kept = {}
    for table, names in before.items():
        there: Names = after.get(table, {})
        if there is not names:
            names = {key: there[key] for key in names if key in there}
        if names:
            kept[table] = names
    return kept


def settle(losses: Sequence[dict[Key, Loss]], end: Collection[Key]) -> None:
    """Keep each loss at the step that caused it.

    Args:
        losses: of each step, what was lost when it had run.
        end: what is lost when the revision has; it may have rolled something back to a savepoint.
    """
    left = set(end)
    for number, each in reversed([*enumerate(losses)]):
        left &= each.keys()
        earlier = losses[number - 1].keys() if number else set()
        for key in [*each]:
            if key not in left or key in earlier:
                del each[key]
