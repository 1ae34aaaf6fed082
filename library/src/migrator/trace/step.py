"""A statement, and what it locks, rewrites, scans, writes and takes away."""

from dataclasses import dataclass, field

from migrator.trace.names import Key, Loss, Names
from migrator.trace.where import Place


@dataclass
class Step:
    """One statement. Tables are oids; `names` has their names at that time.

    `locks` are those that it took itself, `held` the tables that the transaction kept from others
    before it, `rows` the updated and deleted ones, `bulk` where these are all of a table, `lost`
    the names that were there. `watched` is false where nothing could be seen.
    """

    sql: str
    place: Place
    transaction: int
    milliseconds: float = 0.0
    kept: float = 0.0
    names: dict[int, str] = field(default_factory=dict)
    locks: frozenset[tuple[int, str]] = frozenset()
    held: frozenset[int] = frozenset()
    rewritten: frozenset[int] = frozenset()
    scanned: frozenset[int] = frozenset()
    inserted: dict[int, int] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)
    bulk: frozenset[int] = frozenset()
    lost: dict[Key, Loss] = field(default_factory=dict)
    watched: bool = True
    error: str = ""


@dataclass(frozen=True)
class Known:
    """What is in use before a revision: all names, and by table how many rows are a bulk."""

    names: Names
    many: dict[int, int]
