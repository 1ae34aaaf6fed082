"""`status`: where the database is, and what is not as it should be; it never writes."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config import urls
from migrator.config.context import Context
from migrator.console import say, wrap
from migrator.deploy import drift
from migrator.errors import MigratorError, counted, one_line
from migrator.postgres import unfinished
from migrator.revisions import (
    description,
    graph,
    log,
    log_failures,
    log_table,
    missing,
    position,
    recorded_schema,
    verified,
)
from migrator.sqlite import engine as sqlite

SHOWN = 5  # of the applied revisions
PATIENCE = 5  # seconds for each query that reads the catalog
VERSION = {"postgresql": "SHOW server_version", "sqlite": "SELECT sqlite_version()"}
NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def run(context: Context, options: Namespace) -> None:
    """Print it; the exit code is 0 whenever the database could be read."""
    script = graph.load(context)
    with _reading(context) as connection:
        facts = _facts(context, connection, script)
    say(json.dumps(facts, ensure_ascii=False) if options.json else "\n".join(_lines(facts)))


@contextmanager
def _reading(context: Context) -> Iterator[Connection]:
    """Yield a connection that cannot write; a file of SQLite that is not there is not made."""
    url = context.target.url
    if context.target.dialect == "sqlite" and not Path(url.database or "").exists():
        with sqlite.at(make_url("sqlite://")).connect() as nothing:
            yield nothing
        return
    with database.connect(context, only_looks=True) as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA query_only = on"))
            connection.rollback()
        # For each transaction, and not for the session, which a pooler may give to others.
        yield connection.execution_options(postgresql_readonly=True)


def _facts(context: Context, connection: Connection, script: ScriptDirectory) -> dict[str, Any]:
    current = position.current_heads(connection)
    absent = missing.find_all(context, script, current)
    every = list(script.walk_revisions())[::-1]
    known = [each for each in current if each not in {one.revision for one in absent}]
    # What precedes a revision that is not here, where git or the migration log knows it.
    before = [
        name for one in absent for name in one.follows or log.ancestors(connection, one.revision)
    ]
    applied = _with_ancestors(every, [*known, *before])
    settled = not absent or bool(before)
    dialect = connection.dialect.name
    version = str(connection.scalar(text(VERSION[dialect])))
    unverified = verified.unverified(connection) is not None
    return {
        "database": urls.shown(context.target.url),
        "server": {"kind": dialect, "version": version},
        "current": [*current],
        "heads": [*script.get_heads()],
        "missing": [each.as_dict() | {"where": each.where} for each in absent],
        "applied": [description.as_dict(each) for each in every if each.revision in applied],
        "pending": [description.as_dict(each) for each in every if each.revision not in applied]
        if settled
        else None,
        "drift": _drift(context, connection, current),
        "unfinished": [each.stored() for each in unfinished.find(connection)],
        "verified": not unverified if log_table.exists(connection) else None,
        "failed_deploys": [
            log_failures.as_dict(each)
            for each in log_failures.last(connection)
            if not each.resolved
        ],
    }


def _with_ancestors(every: list[Script], names: list[str]) -> set[str]:
    """Return these revisions and all that they follow or depend on."""
    by_name = {each.revision: each for each in every}
    found: set[str] = set()
    waiting = [name for name in names if name in by_name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name]._all_down_revisions
    return found


def _drift(context: Context, connection: Connection, current: tuple[str, ...]) -> dict[str, Any]:
    """Compare with the recorded catalog, if the database is at its revision."""
    found = _compared(context, connection, current)
    return {
        "checked": not found.not_compared,
        "reason": found.not_compared or None,
        "wrong": [drift.as_dict(each) for each in found.wrong],
        "made_by_hand": [drift.as_dict(each) for each in found.by_hand],
    }


def _compared(context: Context, connection: Connection, current: tuple[str, ...]) -> drift.Drift:
    try:
        recorded = recorded_schema.read(recorded_schema.path(context))
        if recorded and current != (recorded.revision,):
            return drift.Drift(
                not_compared=f"{recorded_schema.FILE} is the schema at {recorded.revision}"
            )
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}s'"))
        return drift.find(context, connection, ", ".join(current))
    except DBAPIError as error:
        connection.rollback()
        return drift.Drift(not_compared=one_line(error, details=False))
    except MigratorError as error:
        return drift.Drift(not_compared=str(error))


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    """Yield the same for people."""
    server = facts["server"]
    yield from _entry("database", facts["database"])
    yield from _entry("server", f"{NAMES[server['kind']]} {server['version']}")
    yield from _entry("at", ", ".join(facts["current"]) or "base (no revision is applied)")
    heads = facts["heads"]
    several = ', which `make merge m="merge"` joins' if len(heads) > 1 else ""
    yield from _entry("heads" if several else "head", (", ".join(heads) or "none") + several)
    for each in facts["missing"]:
        yield from _entry("missing", f"{each['revision']}: {each['where']}")
    yield from _revisions("applied", "x", facts["applied"], SHOWN)
    if facts["pending"] is None:
        yield from _entry(
            "pending", "not known, because it is not known what precedes the missing one"
        )
    else:
        yield from _revisions("pending", " ", facts["pending"])
    yield from _entry("drift", *_drift_in_words(facts["drift"]))
    yield from _entry("unfinished", *(_unfinished(each) for each in facts["unfinished"]))
    failed = [
        f"{each['started_at'][:19].replace('T', ' ')}, {each['revision'] or 'no revision'}:"
        f" {each['step']}: {each['reason']}"
        for each in facts["failed_deploys"]
    ]
    yield from _entry("failed", *failed)
    if facts["verified"] is False:
        yield from _entry("verified", "no: the next deploy verifies what the last one applied")


def _entry(name: str, *texts: str) -> Iterator[str]:
    for number, each in enumerate(texts or ("none",)):
        lines = wrap(each, " " * 11)
        yield f"{name if not number else '':<10} {lines[0].strip()}"
        yield from lines[1:]


def _revisions(name: str, mark: str, found: list[dict[str, Any]], last: int = 0) -> Iterator[str]:
    shown = found[-last:] if last else found
    more = f", the last {len(shown)} of them" if len(shown) < len(found) else ""
    yield from _entry(name, (counted(len(found), "revision") if found else "none") + more)
    for each in shown:
        phase = each["phase"] + ("" if each["transactional"] else ", non-transactional")
        yield f"{'':10} [{mark}] {each['revision']}  {each['message']}  [{phase}]"


def _drift_in_words(found: dict[str, Any]) -> list[str]:
    if not found["checked"]:
        return [f"not checked: {found['reason']}"]
    return [
        *(each["message"] for each in found["wrong"]),
        *(f"made by hand: {each['message']}" for each in found["made_by_hand"]),
    ]


def _unfinished(each: dict[str, str]) -> str:
    if each["kind"] == "index":
        return f"INVALID index {each['schema']}.{each['name']}"
    if each["kind"] == "partition":
        return f"half detached partition {each['name']} of {each['table']}"
    return f"NOT VALID constraint {each['name']} on {each['schema']}.{each['table']}"
