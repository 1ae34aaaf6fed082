"""A statement, and what it locks, rewrites, scans, writes and takes away."""

from dataclasses import dataclass, field

from alembic.script import Script

from migrator.errors import counted
from migrator.postgres.lock_modes import STOPS_READS, STOPS_WRITES
from migrator.trace.names import Key, Loss, Names
from migrator.trace.place import Place


@dataclass
class Step:
    """One statement. Tables are oids; `names` has their names at that time.

    `locks` are those that it took itself, `held` the tables that the transaction kept from others
    before it, `rows` the updated and deleted ones, `read` and `locked_rows` what their names say,
    `bulk` the tables that are written or locked as a whole, by it and those before it in its
    transaction; `lost` the names that were there. `watched` is false where nothing could be seen,
    `committed` if it was a transaction of its own, or ended one. With `of_python` it is no
    statement, but an error of the revision's Python, by its name; with `elsewhere` it is one of a
    session that could not be followed, and nothing else is known of it.
    """

    sql: str
    place: Place
    transaction: str = ""
    milliseconds: float = 0.0
    kept: float = 0.0
    names: dict[int, str] = field(default_factory=dict)
    locks: frozenset[tuple[int, str]] = frozenset()
    held: frozenset[int] = frozenset()
    rewritten: frozenset[int] = frozenset()
    scanned: frozenset[int] = frozenset()
    inserted: dict[int, int] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    locked_rows: dict[int, int] = field(default_factory=dict)
    bulk: frozenset[int] = frozenset()
    lost: dict[Key, Loss] = field(default_factory=dict)
    watched: bool = True
    committed: bool = False
    error: str = ""
    of_python: bool = False
    elsewhere: bool = False


@dataclass(frozen=True)
class Known:
    """What is in use before a revision, by table: all names, and how many rows it has.

    `many` is how many changed by one statement are a bulk.
    """

    names: dict[int, Names]
    many: dict[int, int]
    rows: dict[int, int]


@dataclass
class Traced:
    """What one revision did. `old` are the tables that existed before.

    `failure` says why it did not come to its end, `notes` what could not be tried,
    `without_rows` are the tables whose rows it could not work with. `confirmed` if
    the server was asked for what other sessions did; `untried` if it was not run, because one
    before it failed.
    """

    script: Script
    steps: list[Step] = field(default_factory=list)
    old: frozenset[int] = frozenset()
    failure: str = ""
    notes: list[str] = field(default_factory=list)
    without_rows: list[str] = field(default_factory=list)
    confirmed: bool = False
    untried: bool = False


def disturbs(step: Step, old: frozenset[int]) -> bool:
    """Return whether a statement did anything that others may notice."""
    return bool(_effects(step, old))


def describe(step: Step, old: frozenset[int]) -> str:
    """Return what a statement did, in words.

    Args:
        old: the tables that were there before; no session waits for the others.
    """
    return "; ".join(_effects(step, old)) or "no lock that others wait for"


def _effects(step: Step, old: frozenset[int]) -> list[str]:
    lost = [loss.what for loss in step.lost.values()]
    if step.elsewhere:
        return ["runs in a session that could not be followed"]
    if not step.watched:
        return ["runs outside a transaction", *lost]

    def named(tables: frozenset[int] | set[int]) -> str:
        return ", ".join(sorted(step.names.get(oid, str(oid)) for oid in tables))

    parts = [*lost]
    everything = {oid for oid, mode in step.locks if mode in STOPS_READS} & old
    writes = {oid for oid, mode in step.locks if mode in STOPS_WRITES} & old - everything
    if everything:
        parts.append(f"blocks reads and writes of {named(everything)}")
    if writes:
        parts.append(f"blocks writes to {named(writes)}")
    if step.held & old:
        parts.append(f"{named(step.held & old)} still locked by an earlier statement")
    if step.rewritten & old:
        parts.append(f"rewrites {named(step.rewritten & old)}")
    if step.scanned & old:
        parts.append(f"scans {named(step.scanned & old)}")
    for what, rows in (
        ("changes {} of {}", step.rows),
        ("locks {} of {}", step.locked_rows),
    ):
        parts += [
            what.format(counted(count, "row"), step.names.get(oid, oid))
            for oid, count in rows.items()
            if oid in old
        ]
    parts += [
        f"adds {counted(step.inserted[oid], 'row')} to {step.names.get(oid, oid)}"
        for oid in step.bulk & step.inserted.keys()
    ]
    return parts
