"""One rehearsal: restore, deploy, compare, downgrade, remove."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.script import Script

from migrator import catalog, database
from migrator.catalog import Difference, Schema
from migrator.config.context import Context
from migrator.console import quantities, remark
from migrator.deploy import deploy, drift, rollback
from migrator.deploy.deployment import Options
from migrator.errors import Interrupted, MigratorError, UsageError
from migrator.rehearsal import load, source, violating_rows, workspace
from migrator.rehearsal.progress import Progress
from migrator.rehearsal.result import Downgrade, Result, Revision
from migrator.rehearsal.source import Source
from migrator.rehearsal.stage import Stage, stage
from migrator.rehearsal.statement import collapsed
from migrator.revisions import pending, phase_and_transaction, rehearsed
from migrator.revisions.pending import Plan

# Steps that would only say what is known of a copy, or take a backup of it.
# Rows that violate something are counted after the failure, which is to be seen.
LEFT_OUT = ("backup", "lint", "rows", "rehearsal")
HEAD = "head"
SHOWN = 20  # differences


@dataclass(frozen=True)
class Asked:
    """What the command line says: see `commands.rehearse`."""

    given: str | None = None
    to: str = HEAD
    sql_after_restore: Path | None = None
    load: Path | None = None
    show_values: bool = False


def run(context: Context, asked: Asked) -> tuple[Result, Path]:
    """Rehearse the pending revisions, and return the result and the file that it is kept in.

    Raises:
        MigratorError: it could not be tried; nothing of the copy is left.
        RefusedError: the disk is too small, or the server may serve users.
        UsageError: a file is missing, or there is no server for it.
        Interrupted: Ctrl-C or SIGTERM; nothing of the copy is left.
    """
    for file in (asked.sql_after_restore, asked.load):
        if file and not file.is_file():
            raise UsageError(f"There is no file {file}; nothing was restored.")
    pgbench = load.pgbench(context) if asked.load else ""
    moment, began = datetime.now(UTC), time.monotonic()
    with workspace.workspace(rehearsed.folder(context)) as folder:
        data = source.choose(context, asked.given, folder)
        try:
            with stage(context, data, folder) as on:
                _restore(on, data, asked)
                _rehearse(on, asked)
            result = on.result
            if asked.load and result.revisions and not result.failure:
                with stage(context, data, folder) as on:
                    _restore(on, data, asked)
                    result.load = _under_load(on, pgbench, asked)
        except (KeyboardInterrupt, Interrupted):
            raise Interrupted("The rehearsal was interrupted; the copy is removed.") from None
    result.started_at = moment.isoformat(timespec="seconds")
    result.seconds = time.monotonic() - began
    return result, rehearsed.keep(context, result.as_dict(values=False))


def _restore(on: Stage, data: Source, asked: Asked) -> None:
    result, began = on.result, time.monotonic()
    remark(f"Restoring {data.described} ({data.name}).")
    on.restore(data.path)
    result.restored_seconds = time.monotonic() - began
    if asked.sql_after_restore:
        remark(f"Running {asked.sql_after_restore}.")
        on.execute(asked.sql_after_restore)
    on.settle()
    result.restored_bytes = on.size()
    remark(f"Restored {quantities.size(result.restored_bytes)} in {result.restored_seconds:.1f} s.")


def _rehearse(on: Stage, asked: Asked) -> None:
    context, result = on.context, on.result
    with database.connect(context) as connection:
        plan = pending.make(context, connection, asked.to)
        before = catalog.read(connection, catalog.NOT_OURS)
        connection.rollback()
    result.at = plan.at
    result.revisions = [_revision(script) for script in plan.pending]
    if not plan.pending:
        return
    if not _deploy(on, plan, asked):
        if asked.show_values:
            result.values = [violating_rows.read(context, v["query"]) for v in result.violations]
        return
    with database.connect(context) as connection:
        if asked.to == HEAD:
            found = drift.find(context, connection, plan.target)
            differing = [*found.wrong, *found.by_hand][:SHOWN]
            result.schema.differences = [*map(drift.as_dict, differing)]
            result.schema.not_compared = found.not_compared or None
        else:
            result.schema.not_compared = f"only up to {asked.to}, and not to the newest revision"
    _downgrade(on, plan, before)


def _revision(script: Script) -> Revision:
    found = phase_and_transaction.of(script)
    return Revision(
        script.revision,
        script.doc or "",
        found.phase,
        found.transactional,
        rehearsed.digest(script),
    )


def _deploy(on: Stage, plan: Plan, asked: Asked) -> bool:
    """Run the real deploy; return whether it succeeded."""
    result = on.result
    by_name = {each.revision: each for each in result.revisions}
    totals = on.totals()

    def applied(said: dict[str, Any]) -> None:
        nonlocal totals
        now, peak = on.totals(), on.take_peak()
        each = by_name[said["revision"]]
        each.applied, each.seconds = True, said["seconds"]
        each.attempts, each.waited = said["attempts"], said["waited"]
        each.wal, each.temporary = now.wal - totals.wal, now.temporary - totals.temporary
        each.disk = max(peak, now.size, totals.size) - totals.size
        totals = now

    options = Options(to=asked.to, without=LEFT_OUT, now=True)
    on.take_peak()
    with on.following(_paths(plan)) as statements:
        try:
            deploy.run(on.context, options, Progress(applied))
        except Interrupted:
            raise
        except MigratorError as error:
            result.failure, result.details = str(error), _facts(error)
            result.violations = list(error.data.get("violations", ()))
    for each in result.revisions:
        each.statements = collapsed([s for s in statements if s.revision == each.revision])
    return not result.failure


def _under_load(on: Stage, pgbench: str, asked: Asked) -> dict[str, Any]:
    """Deploy once more while clients work, and return what they noticed."""
    assert asked.load
    remark(f"Deploying again, while {load.CLIENTS} clients repeat {asked.load}.")
    options = Options(to=asked.to, without=LEFT_OUT, now=True)
    failure = ""
    try:
        with load.running(on.context, pgbench, asked.load) as seen:
            try:
                deploy.run(on.context, options, Progress(lambda _: None))
            except Interrupted:
                raise
            except MigratorError as error:
                failure = str(error)
    except load.NothingSeen as error:
        return {"failure": str(error)}
    return seen.as_dict() | {"failure": failure or None}


def _facts(error: MigratorError) -> dict[str, str]:
    """Return what an error says besides, without what to do with a database that is a copy."""
    return {name: text for name, text in error.details if name in ("committed", "left behind")}


def _downgrade(on: Stage, plan: Plan, before: Schema) -> None:
    """Revert on the same copy what was applied, as far as there is a way back."""
    result, context = on.result, on.context
    by_name = {each.revision: each for each in result.revisions}

    def reverted(said: dict[str, Any]) -> None:
        by_name[said["revision"]].downgrade = Downgrade(said["seconds"])

    to = plan.current[0] if plan.current else "base"
    options = Options(to=to, without=LEFT_OUT, now=True)
    failure = ""
    with on.following(_paths(plan)) as statements:
        try:
            rollback.run(context, options, Progress(reverted), lambda _plan, _preview: None)
        except Interrupted:
            raise
        except MigratorError as error:
            failure = str(error)
    for each in reversed(result.revisions):
        if each.downgrade is None:
            each.downgrade = Downgrade(error=failure or "not tried")
        own = [step for step in statements if step.revision == each.revision]
        each.downgrade.statements = collapsed(own)
        if each.downgrade.error:
            return
    with database.connect(context) as connection:
        now = catalog.read(connection, catalog.NOT_OURS)
        connection.rollback()
    left = catalog.diff(before, now)[:SHOWN]
    result.schema.left_by_downgrade = [*map(_left, left)]


def _left(found: Difference) -> dict[str, Any]:
    return {
        "kind": found.key.kind,
        "name": [*found.key.name],
        "property": found.property or None,
        "before": found.before,
        "after": found.after,
        "message": found.describe("the schema before", "the schema after it"),
    }


def _paths(plan: Plan) -> dict[str, str]:
    return {script.revision: str(script.module.__file__) for script in plan.pending}
