"""The result of a rehearsal for people, 80 columns wide."""

from collections.abc import Iterator

from migrator.console import quantities, width, wrap
from migrator.console.layout import WIDTH
from migrator.deploy.violation import Violation
from migrator.errors import counted
from migrator.lint.finding import shorten
from migrator.postgres import lock_modes, sql
from migrator.rehearsal.result import Result, Revision, strongest
from migrator.rehearsal.statement import Amount, Lock, Statement

INDENT = " " * 4
NOTICED = 0.1  # seconds


def lines(result: Result) -> Iterator[str]:
    """Yield the lines."""
    for revision in result.revisions:
        yield from _revision(revision)
    for paragraph in verdict(result):
        yield from wrap(paragraph)


def verdict(result: Result) -> Iterator[str]:
    """Yield what it comes to, in paragraphs."""
    source = result.source["described"]
    if not result.revisions:
        yield f"Nothing is pending: {source} is at {result.at}."
        return
    values = result.values or [[]] * len(result.violations)
    for each, rows in zip(result.violations, values, strict=True):
        found = Violation(**each | {"columns": tuple(each["columns"])})
        words = str(found)
        yield f"{words[0].upper()}{words[1:]}. To find them: {found.query}"
        for row in rows:
            yield ", ".join(f"{name}: {value}" for name, value in row.items())
    if result.failure:
        yield f"A deploy would fail, as it does on {source}: {result.failure}"
        yield from (f"{name}: {text}" for name, text in result.details.items())
        return
    yield from _schema(result)
    yield from _load(result)
    seconds = quantities.duration(sum(each.seconds for each in result.revisions))
    count = counted(len(result.revisions), "revision")
    wal = sum(each.wal for each in result.revisions)
    written = f"; {quantities.size(wal)} of WAL" if wal else ""
    yield (
        f"Rehearsed on {source}: {count} in {seconds}; {lock(strongest(result.revisions))}"
        f"{written}."
    )


def shown_statements(each: Revision) -> list[Statement]:
    """Return those that cost anything: our operations look before they act, which does not."""
    return [
        step
        for step in each.statements
        if step.seconds >= NOTICED
        or step.error
        or not (sql.only_reads(step.sql) or sql.looks_at_server(step.sql))
    ]


def lock(found: Lock | None) -> str:
    """Return a lock in words."""
    if found is None:
        return "no lock on a table in use"
    return (
        f"{lock_modes.shown(found.mode)} on {found.table} for {quantities.duration(found.seconds)}"
    )


def effects(each: Statement) -> str:
    """Return what a statement cost besides its time, in words."""
    found = [_amount(amount) for amount in each.amounts]
    found += [f"changes {counted(rows, 'row')} of {name}" for name, rows in each.changed.items()]
    if each.wal:
        found.append(f"{quantities.size(each.wal)} of WAL")
    if each.temporary:
        found.append(f"{quantities.size(each.temporary)} of temporary files")
    return "; ".join([lock(each.strongest), *found])


def way_back(each: Revision) -> str:
    """Return how long the downgrade took, or why there is none."""
    if each.downgrade is None:
        return "not tried"
    if each.downgrade.error:
        return f"no way back: {shorten(each.downgrade.error)}"
    return quantities.duration(each.downgrade.seconds)


def _amount(each: Amount) -> str:
    verb = {"scanned": "scans", "rewritten": "rewrites", "created": "writes"}[each.how]
    rows = f"{each.rows:,} rows, " if each.rows else ""
    return f"{verb} {each.relation} ({rows}{quantities.size(each.size)})"


def _revision(each: Revision) -> Iterator[str]:
    kind = each.phase if each.transactional else f"{each.phase}, non-transactional"
    line = f"{each.revision}  {each.message}  [{kind}]"
    yield from [line] if width(line) <= WIDTH else wrap(line)
    for step in shown_statements(each):
        times = f"{step.count} times, " if step.count > 1 else ""
        yield from wrap(f"{times}{quantities.duration(step.seconds)}: {shorten(step.sql)}", "  ")
        yield from wrap(step.error or effects(step), INDENT)
    yield from wrap(_summary(each), "  ")
    yield ""


def _summary(each: Revision) -> str:
    if not each.applied:
        return "Not applied."
    tries = f" ({each.attempts} attempts)" if each.attempts > 1 else ""
    disk = [f"at most {quantities.size(each.disk)} more disk"] if each.disk > 0 else []
    files = [f"{quantities.size(each.temporary)} of temporary files"] if each.temporary else []
    wal = [f"{quantities.size(each.wal)} of WAL"] if each.wal else []
    parts = [lock(each.longest), *wal, *disk, *files]
    seconds = quantities.duration(each.seconds)
    return f"In all {seconds}{tries}: {'; '.join(parts)}. Downgrade: {way_back(each)}."


def _schema(result: Result) -> Iterator[str]:
    schema = result.schema
    if schema.not_compared:
        yield f"The schema was not compared: {schema.not_compared}."
    elif schema.differences:
        yield "The schema differs from the one that the revisions build:"
        yield from (each["message"] for each in schema.differences)
    else:
        yield "The schema is the one that the revisions build."
    if left := schema.left_by_downgrade:
        yield "The downgrade does not lead back to the schema from before:"
        yield from (each["message"] for each in left)
    elif left is not None:
        yield "The downgrade leads back to the schema from before."


def _load(result: Result) -> Iterator[str]:
    load = result.load
    if load and load["failure"]:
        yield f"Under load: {load['failure']}"
    if load and load.get("requests"):
        longest, whole = (
            quantities.duration(load[name]) for name in ("longest_seconds", "deploy_seconds")
        )
        yield (
            f"Under load: {counted(load['requests'], 'request')}, the longest {longest};"
            f" {load['over_250_ms']} took more than 250 ms, and {load['failed']} failed. The deploy"
            f" took {whole}."
        )
