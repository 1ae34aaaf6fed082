"""The steps as revisions that follow each other: expand, online, contract; only those needed.

expand and contract are transactions that roll back whole. online, and what a contract revision
begins with, is not transactional, and may be run again.
"""

from collections.abc import Iterator, Sequence

from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext
from alembic.util import rev_id

from migrator.autogenerate import phase_rules, steps
from migrator.autogenerate.phase_rules import Known, Table
from migrator.autogenerate.schema_objects import AddValueOp, LateSQLOp
from migrator.autogenerate.steps import CONTRACT, EXPAND, ONLINE, PHASES, Step

MARK = "migrator_phase"


def of(script: ops.MigrationScript) -> str:
    """Return the phase of a revision that `split` has made."""
    return str(getattr(script, MARK, EXPAND))


def split(
    context: MigrationContext, script: ops.MigrationScript, *, lock_safe: bool
) -> list[ops.MigrationScript]:
    """Return the revisions to write instead of `script`.

    Args:
        lock_safe: without it there is one, as Alembic made it, only marked.
    """
    upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
    assert upgrade is not None and downgrade is not None
    known = Known.of(context, upgrade)
    if not lock_safe or all(_is_early(op) for op in upgrade.ops):
        dropping = ops.DropTableOp | ops.DropColumnOp
        drops = any(isinstance(op, dropping) for op, _ in _flat(upgrade))
        setattr(script, MARK, CONTRACT if drops else EXPAND)
        return [script]
    found = [step for op, table in _flat(upgrade) for step in phase_rules.steps(known, op, table)]
    before, after = _around(upgrade.ops)
    down_after, down_before = _around(downgrade.ops)
    # What schema_objects has put around the rest stays around it.
    found.insert(0, Step(EXPAND, before, down_after, steps.FIRST))
    found.append(Step(CONTRACT, after, down_before, steps.PLAIN + 1))
    return _scripts(context, script, found)


def _scripts(
    context: MigrationContext, script: ops.MigrationScript, found: list[Step]
) -> list[ops.MigrationScript]:
    parts = []
    for phase in PHASES:
        chosen = sorted((s for s in found if s.phase == phase), key=lambda step: step.rank)
        up = [op for step in chosen for op in step.upgrade]
        down = [op for step in reversed(chosen) for op in step.downgrade]
        if phase == ONLINE:  # what cannot run in a transaction that has changed something
            down.sort(key=lambda op: bool(getattr(op, "transactional", True)))
        if up:
            parts.append((phase, ops.UpgradeOps(up), ops.DowngradeOps(down)))
    names = _revisions(context, script, len(parts))
    written: list[ops.MigrationScript] = []
    for name, (phase, up_ops, down_ops) in zip(names, parts, strict=True):
        part = ops.MigrationScript(
            name,
            up_ops,
            down_ops,
            message=_message(script.message, phase, len(parts)),
            imports=script.imports,
            version_path=script.version_path,
            head=written[-1].rev_id if written else script.head,
            splice=None if written else script.splice,
            branch_label=None if written else script.branch_label,
            depends_on=None if written else script.depends_on,
        )
        setattr(part, MARK, phase)
        written.append(part)
    return written


def _message(message: str | None, phase: str, parts: int) -> str | None:
    return message if parts == 1 else f"{message or 'empty message'} ({phase})"


def _revisions(context: MigrationContext, script: ops.MigrationScript, number: int) -> list[str]:
    """Return identifiers whose files, of the same minute, are listed in the order of the chain."""
    asked = context.opts["revision_context"].command_args["rev_id"]
    if asked:
        return [asked + ending for ending in ("", "b", "c")[:number]]
    return sorted([str(script.rev_id), *(rev_id() for _ in range(number - 1))])


def _flat(
    upgrade: ops.UpgradeOps,
) -> Iterator[tuple[MigrateOperation, Table | None]]:
    """Yield the differences with the tables that they are in; no SQL of our own."""
    for op in upgrade.ops:
        if isinstance(op, ops.ModifyTableOps):
            for leaf in op.ops:
                yield leaf, (op.schema, op.table_name)
        elif not isinstance(op, ops.ExecuteSQLOp):
            yield op, None


def _around(
    operations: Sequence[MigrateOperation],
) -> tuple[list[MigrateOperation], list[MigrateOperation]]:
    """Return the SQL of the expand phase and that of the contract phase; new values of enums come
    first, since they cannot be added in a transaction that has changed something."""
    before = [op for op in operations if _is_early(op)]
    before.sort(key=lambda op: not isinstance(op, AddValueOp))
    return before, [op for op in operations if isinstance(op, LateSQLOp)]


def _is_early(op: MigrateOperation) -> bool:
    return isinstance(op, ops.ExecuteSQLOp) and not isinstance(op, LateSQLOp)
