"""The result of a rehearsal for people, 80 columns wide."""

from collections.abc import Iterator

from migrator.backup import amount
from migrator.console import wrap
from migrator.errors import counted
from migrator.lint.finding import shorten
from migrator.rehearsal.result import Result, Revision, strongest
from migrator.rehearsal.statement import Amount, Lock, Statement, shown
from migrator.revisions.rehearsed import duration

INDENT = " " * 4
FEW = 2


def lines(result: Result) -> Iterator[str]:
    """Yield the lines."""
    if not result.revisions:
        yield f"Nothing is pending: the copy is at {result.at}."
        return
    for revision in result.revisions:
        yield from _revision(revision)
    yield from _schema(result)
    yield from _end(result)


def lock(found: Lock | None) -> str:
    """Return a lock in words."""
    if found is None:
        return "no lock on a table in use"
    return f"{shown(found.mode)} on {found.table} for {duration(found.seconds)}"


def effects(each: Statement) -> str:
    """Return what a statement cost besides its time, in words."""
    found = [_amount(amount) for amount in each.amounts]
    found += [f"changes {counted(rows, 'row')} of {name}" for name, rows in each.changed.items()]
    if each.wal:
        found.append(f"{amount(each.wal)} of WAL")
    if each.temporary:
        found.append(f"{amount(each.temporary)} of temporary files")
    return "; ".join([lock(each.strongest), *found])


def _amount(each: Amount) -> str:
    verb = {"scanned": "scans", "rewritten": "rewrites", "created": "writes"}[each.how]
    rows = f"{counted(each.rows, 'row')}, " if each.rows else ""
    return f"{verb} {each.relation} ({rows}{amount(each.size)})"


def _revision(each: Revision) -> Iterator[str]:
    kind = each.phase if each.transactional else f"{each.phase}, non-transactional"
    yield f"{each.revision}  {each.message}  [{kind}]"
    for step in each.statements:
        times = f"{step.count} times, " if step.count > 1 else ""
        yield from wrap(f"{times}{duration(step.seconds)}: {shorten(step.sql)}", "  ")
        yield from wrap(step.error or effects(step), INDENT)
    yield from wrap(summary(each), "  ")
    yield ""


def summary(each: Revision) -> str:
    """Return a revision in one sentence."""
    if not each.applied:
        return "not applied"
    tries = f" ({each.attempts} attempts)" if each.attempts > 1 else ""
    back = each.downgrade
    way = "not tried" if back is None else back.error or duration(back.seconds)
    if back and back.error:
        way = f"no way back: {shorten(back.error)}"
    return (
        f"in all {duration(each.seconds)}{tries}; {lock(each.longest)}; {amount(each.wal)} of WAL;"
        f" at most {amount(each.disk)} more disk; {amount(each.temporary)} of temporary files;"
        f" downgrade: {way}"
    )


def _schema(result: Result) -> Iterator[str]:
    schema = result.schema
    if result.failure:
        return
    if schema.not_compared:
        yield from wrap(f"The schema was not compared: {schema.not_compared}.")
    elif schema.differences:
        yield "The schema differs from the one that the revisions build:"
        for each in schema.differences:
            yield from wrap(each, INDENT)
    else:
        yield "The schema is the one that the revisions build."
    if left := schema.left_by_downgrade:
        yield "The downgrade does not lead back to the schema from before:"
        for each in left:
            yield from wrap(each, INDENT)
    elif left is not None:
        yield "The downgrade leads back to the schema from before."


def _end(result: Result) -> Iterator[str]:
    for each in result.violations:
        rows = "an unknown number of rows" if each.rows is None else counted(each.rows, "row")
        yield from wrap(f"{rows} of {each.table} break {each.constraint}. To find them:")
        yield from wrap(each.query, INDENT)
    source = result.source["described"]
    if result.failure:
        yield from wrap(f"A deploy would fail on {source}: {result.failure}")
        for name, text in result.details.items():
            yield from wrap(f"{name}: {text}", INDENT)
        return
    seconds = duration(sum(each.seconds for each in result.revisions))
    count = counted(len(result.revisions), "revision")
    longest = strongest(result.revisions)
    yield from wrap(f"Rehearsed on {source}: {count} in {seconds}; {lock(longest)}.")
