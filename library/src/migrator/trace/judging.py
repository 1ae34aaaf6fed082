"""Which statements would make others wait, once the tables have more rows, or break them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alembic.script import Script

from migrator.trace.catalog import STOPS_READS, STOPS_WRITES
from migrator.trace.step import Step

FIRST_WORD = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(\w+)", re.DOTALL)


@dataclass(frozen=True)
class Problem:
    """A statement that breaks a rule, and what was seen of it."""

    rule: str
    step: Step
    evidence: str


@dataclass
class Traced:
    """What one revision did. `old` are the tables that existed before.

    `failure` says why it did not come to its end, `notes` what could not be tried.
    """

    script: Script
    steps: list[Step] = field(default_factory=list)
    old: frozenset[int] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    failure: str = ""
    notes: list[str] = field(default_factory=list)


def judge(steps: Sequence[Step], old: frozenset[int]) -> Iterator[Problem]:
    """Yield the problems of a revision's statements, whatever its phase allows.

    Args:
        old: the tables that are there and in use before; nobody waits for the others.
    """
    for step in steps:
        if rule := _rule(step, old):
            yield Problem(rule, step, step.error or seen(step, old))
        for rule in dict.fromkeys(loss.rule for loss in step.lost.values()):
            yield Problem(rule, step, seen(step, old))


def _rule(step: Step, old: frozenset[int]) -> str:
    word = FIRST_WORD.match(step.sql)
    kind = word[1].upper() if word else ""
    taken = {oid for oid, mode in step.locks if mode in STOPS_WRITES} & old
    work = (step.rewritten | step.scanned) & old
    changed = step.rows.keys() & old
    if step.error:
        return "fails"
    if kind == "TRUNCATE" and taken:
        return "truncate-table"
    if kind == "LOCK" and taken:
        return "lock-table"
    if step.rewritten & old:
        return "blocks-while-rewriting"
    # A batch of op.backfill may hold all rows that are there.
    if changed & step.scanned or (changed & step.bulk and not step.place.own):
        return "bulk-write"
    if work and (taken or work & step.held):
        return "blocks-while-scanning"
    if work and step.held & old:
        return "held-while-working"
    return ""


def seen(step: Step, old: frozenset[int]) -> str:
    """Return what a statement did, in words."""
    lost = [loss.what for loss in step.lost.values()]
    if not step.watched:
        return "; ".join(["runs by itself, outside a transaction", *lost])

    def named(tables: frozenset[int] | set[int]) -> str:
        return ", ".join(sorted(step.names.get(oid, str(oid)) for oid in tables))

    parts = [*lost]
    everything = {oid for oid, mode in step.locks if mode in STOPS_READS} & old
    writes = {oid for oid, mode in step.locks if mode in STOPS_WRITES} & old - everything
    if everything:
        parts.append(f"stops reads and writes of {named(everything)}")
    if writes:
        parts.append(f"stops writes to {named(writes)}")
    if step.held & old:
        parts.append(f"{named(step.held & old)} locked before and still")
    if step.rewritten & old:
        parts.append(f"writes {named(step.rewritten & old)} anew")
    if step.scanned & old:
        parts.append(f"reads all of {named(step.scanned & old)}")
    for oid, count in step.rows.items():
        if oid in old:
            parts.append(f"changes {count} rows of {step.names.get(oid, oid)}")
    return "; ".join(parts) or "no lock that others wait for"
