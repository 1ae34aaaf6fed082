"""Drift: how the database differs from the schema that the revisions build."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from migrator.catalog import Difference, Key
from migrator.config.context import Context
from migrator.revisions import accepted_drift, recorded_schema
from migrator.revisions.accepted_drift import AcceptedDrift

# Objects of the database and of whoever runs it: those that the revisions did not make say nothing.
OF_OPERATORS = frozenset({"extension", "event_trigger", "schema"})
SHOWN = 5


@dataclass(frozen=True)
class Drift:
    """`wrong` is missing in the database, or another one; `by_hand` is there besides.

    `unused` says which accepted differences there are none of, `not_compared` why nothing was
    compared.
    """

    wrong: list[Difference] = field(default_factory=list)
    by_hand: list[Difference] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    not_compared: str = ""


def find(context: Context, connection: Connection, revision: str) -> Drift:
    """Compare the database, which is at `revision`, with what is recorded in the repository.

    Raises:
        MigratorError: the record cannot be read.
    """
    file = recorded_schema.path(context)
    recorded = recorded_schema.read(file)
    if recorded is None:
        return Drift(not_compared=f"there is no {file.name}; `make snapshot` writes it")
    if recorded.revision != revision:
        of = f"{file.name} is of revision {recorded.revision}"
        return Drift(not_compared=f"{of}; `make snapshot` writes it")
    differences = recorded.differences(connection)
    connection.rollback()
    return classified(differences, accepted_drift.read(file.parent, "database"))


def classified(differences: Iterable[Difference], accepted: AcceptedDrift) -> Drift:
    """Split the differences into what is wrong and what somebody has made by hand."""
    found = accepted.others(differences)
    extra = [each for each in found if not each.property and each.after is None]
    partitions = {each.key.name for each in extra if "partition_bound" in (each.before or {})}
    return Drift(
        [each for each in found if each not in extra],
        [each for each in extra if _says_something(each.key, partitions)],
        accepted.unused(),
    )


def _says_something(key: Key, partitions: set[tuple[str, ...]]) -> bool:
    """Leave out partitions, which others add, and what operators install."""
    return key.kind not in OF_OPERATORS and not {key.name, key.name[:-1]} & partitions


def as_dict(found: Difference) -> dict[str, object]:
    """Return a difference for JSON."""
    return {
        "kind": found.key.kind,
        "name": [*found.key.name],
        "property": found.property or None,
        "database": found.before,
        "revisions": found.after,
        "message": in_words(found),
    }


def in_words(found: Difference) -> str:
    """Return a difference as people are told of it."""
    return found.describe("the database", "the revisions")


def sentences(found: list[Difference]) -> list[str]:
    """Return the first of many differences in words, and how many more there are."""
    shown = [in_words(each) for each in found[:SHOWN]]
    more = len(found) - SHOWN
    return [*shown, f"and {more} more"] if more > 0 else shown
