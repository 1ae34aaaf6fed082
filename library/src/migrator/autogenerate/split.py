"""The steps as revisions that follow each other; only those needed, in most cases one.

A transactional revision is rolled back whole. A non-transactional one holds only what looks at the
catalog first, and may be run again, so the two are never mixed.

In the expand phase the non-transactional one comes last: it fills and indexes new columns. In the
contract phase it comes first: it may read a column that is dropped then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext
from alembic.util import rev_id

from migrator.autogenerate import held_columns, moved_keys, phase_rules, steps
from migrator.autogenerate.added_enum_values import AddValueOp
from migrator.autogenerate.phase_rules import Known, Table
from migrator.autogenerate.replacements import in_transaction
from migrator.autogenerate.schema_objects import late
from migrator.autogenerate.steps import Step
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND, Attributes

MARK = "migrator_attributes"
ORDER = (
    Attributes(EXPAND),
    Attributes(EXPAND, transactional=False),
    Attributes(CONTRACT, transactional=False),
    Attributes(CONTRACT),
)


def of(script: ops.MigrationScript) -> Attributes:
    """Return the attributes of a revision that `split` has made."""
    found: Attributes = getattr(script, MARK, Attributes())
    return found


def split(
    context: MigrationContext, script: ops.MigrationScript, *, lock_safe: bool
) -> list[ops.MigrationScript]:
    """Return the revisions to write instead of `script`.

    Args:
        lock_safe: without it there is one, as Alembic made it, only marked.
    """
    upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
    assert upgrade is not None and downgrade is not None
    if not lock_safe or all(map(_is_early, upgrade.ops)):
        dropping = ops.DropTableOp | ops.DropColumnOp
        drops = any(isinstance(op, dropping) for op, _ in _flat(upgrade))
        only_values = bool(upgrade.ops) and all(map(_is_value, upgrade.ops))
        setattr(script, MARK, Attributes(CONTRACT if drops else EXPAND, not only_values))
        upgrade.ops[:] = map(in_transaction, upgrade.ops)
        downgrade.ops[:] = map(in_transaction, downgrade.ops)
        return [script]
    known = Known.of(context, upgrade)
    found = [step for op, table in _flat(upgrade) for step in phase_rules.steps(known, op, table)]
    # What our completion of enums and schemas has put around the rest stays around it.
    before, after = _around(upgrade.ops)
    down_after, down_before = _around(downgrade.ops)
    values = [op for op in before if _is_value(op)]
    others = Step(EXPAND, [op for op in before if not _is_value(op)], down_after, steps.FIRST)
    last = [
        Step(phase, _late(after, phase), _late(down_before, phase), steps.GENERATED + 1)
        for phase in (EXPAND, CONTRACT)
    ]
    # A new value is committed before the rest, which may use it. It gets no revision of its own.
    ahead = any(step.phase == EXPAND and step.transactional for step in found) or others.upgrade
    first = Step(EXPAND, values, [], steps.FIRST, transactional=bool(ahead))
    found = moved_keys.complete(context, held_columns.complete(context, found))
    found = [first, others, *found, *last]
    return _scripts(context, script, parts(found))


@dataclass
class Part:
    """The operations of one revision."""

    attributes: Attributes
    upgrade: list[MigrateOperation]
    downgrade: list[MigrateOperation]


def parts(found: Sequence[Step]) -> list[Part]:
    """Return what belongs into each revision, without those that would be empty."""
    return [part for attributes in ORDER if (part := _part(attributes, found)).upgrade]


def _part(attributes: Attributes, found: Sequence[Step]) -> Part:
    own = [step for step in found if (step.phase, step.transactional) == attributes]
    own.sort(key=lambda step: step.rank)
    down = [op for step in reversed(own) for op in step.downgrade]
    if not attributes.transactional:
        # What cannot run in a transaction that has changed something.
        down.sort(key=lambda op: bool(getattr(op, "transactional", True)))
    return Part(attributes, [op for step in own for op in step.upgrade], down)


def _scripts(
    context: MigrationContext, script: ops.MigrationScript, parts: Sequence[Part]
) -> list[ops.MigrationScript]:
    every = [part.attributes for part in parts]
    names = _revisions(context, script, len(parts))
    written: list[ops.MigrationScript] = []
    for name, part in zip(names, parts, strict=True):
        each = ops.MigrationScript(
            name,
            ops.UpgradeOps(part.upgrade),
            ops.DowngradeOps(part.downgrade),
            message=message(script.message, part.attributes, every),
            imports=script.imports,
            version_path=script.version_path,
            head=written[-1].rev_id if written else script.head,
            splice=None if written else script.splice,
            branch_label=None if written else script.branch_label,
            depends_on=None if written else script.depends_on,
        )
        setattr(each, MARK, part.attributes)
        written.append(each)
    return written


def message(text: str | None, own: Attributes, every: Sequence[Attributes]) -> str | None:
    """Return the message with what tells a revision from the others of the change."""
    if len(every) == 1:
        return text
    alone = [each.phase for each in every].count(own.phase) == 1
    return f"{text or 'empty message'} ({own.phase if alone else own})"


def _revisions(context: MigrationContext, script: ops.MigrationScript, number: int) -> list[str]:
    """Return identifiers whose files, of the same minute, are listed in the order of the chain."""
    asked = context.opts["revision_context"].command_args["rev_id"]
    if asked:
        return [asked + ending for ending in ("", "b", "c", "d")[:number]]
    return sorted([str(script.rev_id), *(rev_id() for _ in range(number - 1))])


def _flat(
    upgrade: ops.UpgradeOps,
) -> Iterator[tuple[MigrateOperation, Table | None]]:
    """Yield the differences with the tables that they are in; no SQL of our own."""
    for op in upgrade.ops:
        if isinstance(op, ops.ModifyTableOps):
            for leaf in op.ops:
                yield leaf, (op.schema, op.table_name)
        elif not (isinstance(op, ops.ExecuteSQLOp) or late(op)):
            yield op, None


def _around(
    operations: Sequence[MigrateOperation],
) -> tuple[list[MigrateOperation], list[MigrateOperation]]:
    """Return the SQL that comes first, and what comes after everything else."""
    before = [op for op in operations if _is_early(op)]
    return before, [op for op in operations if late(op)]


def _late(operations: Sequence[MigrateOperation], phase: str) -> list[MigrateOperation]:
    return [op for op in operations if late(op) == phase]


def _is_early(op: MigrateOperation) -> bool:
    return isinstance(op, ops.ExecuteSQLOp) and not late(op)


def _is_value(op: MigrateOperation) -> bool:
    """Whether it adds a value to an enum; not in a transaction that has changed something."""
    return isinstance(op, AddValueOp)
