"""What a revision may do only if it was asked for by name: drops, loss of values, rewrites."""

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from alembic import context as alembic_context
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import affected_rows, column_comparison, probe
from migrator.autogenerate.probe import Probed
from migrator.autogenerate.replacements import DropDefinedConstraintOp
from migrator.autogenerate.sqlite.change import ValuesChangeOp
from migrator.errors import RefusedError, UsageError

# In the attributes of Alembic's configuration: columns (table.column) whose values may be other
# ones afterwards, by consent, or because their new type is another kind of thing.
LOSSY = "lossy_columns"
ColumnOp = ops.AlterColumnOp | ops.AddColumnOp


@dataclass
class Subject:
    """What would be dropped, changed or rewritten.

    Attributes:
        kind: "table" or "column".
        name: with its table and schema.
        details: what is known about it, for people.
    """

    kind: str
    name: str
    details: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.name} ({'; '.join(self.details)})" if self.details else self.name


def ask(
    context: MigrationContext,
    upgrade: ops.UpgradeOps,
    *,
    lock_safe: bool,
    also: Sequence[Subject] = (),
    types: Sequence[Subject] = (),
) -> None:
    """Refuse what is dangerous and was not named on the command line.

    Args:
        lock_safe: refuse to rewrite tables, too.
        also: other objects that would be dropped.
        types: enum types that would be replaced, with the tables rewritten that use them.

    Raises:
        RefusedError: with the command that allows it, and the way without it; also if PostgreSQL
            cannot do it at all.
        UsageError: something was named that the revision does not do, or that names two things.
    """
    leaves = list(_leaves(upgrade))
    dropped = [found for op in leaves if (found := _dropped(op))]
    dropped = [*sorted(dropped, key=lambda each: each.kind != "table"), *also]
    changing = {_values(op): op for op in leaves if isinstance(op, ValuesChangeOp)}
    columns = [op for op in leaves if isinstance(op, ColumnOp)]
    on_postgresql = context.dialect.name == "postgresql"
    probed = [(op, probe.of(context, op)) for op in columns] if on_postgresql else []
    lossy = [
        *(_lossy(context, op, each) for op, each in probed if each.loses),
        *(Subject("column", name, [op.detail]) for name, op in changing.items() if op.lost),
    ]
    rewritten = [
        _column(op, f"could not be tried: {each.error}" if each.rewrites is None else "")
        for op, each in probed
        if lock_safe and each.rewrites is not False
    ]
    rewritten.extend(types if lock_safe else ())
    drops = _named("drop", dropped)
    # What cannot be done at all comes before a name for it that says nothing.
    for op, each in probed:
        _refuse_impossible(context, op, each)
    loses = _named("lose", lossy)
    rewrites = _named("rewrite", rewritten) | {each.name for each in lossy}
    _refuse(dropped, drops, _DROP)
    _refuse(lossy, loses, _LOSE)
    _refuse(rewritten, rewrites, _REWRITE)
    if context.config:
        others = {_column(op).name for op, each in probed if each.loses or not each.alike}
        context.config.attributes[LOSSY] = frozenset({*others, *changing})


def _values(op: ValuesChangeOp) -> str:
    return f"{op.table_name}.{op.column_name}"


_DROP = """This revision would drop {refused}, and the data in it, because no model describes it \
any more. No revision was written. If the data may go: `make revision m="..." drop={names}` \
(alembic -x drop={names} revision --autogenerate -m "..."). If it was renamed: `make \
empty-revision m="..."` and op.rename_table or op.alter_column, which breaks the code that runs \
with the old name; without downtime: add the new one, op.backfill it, and drop the old one when no \
code uses it. If its model exists: `make tables` shows what was found."""
_LOSE = """This revision would change values that rows hold, and no downgrade brings them back: \
{refused}. No revision was written. To keep them: add a column of the new type under another name. \
If they may be lost: `make revision m="..." lose={names}` (alembic -x lose={names} revision \
--autogenerate -m "..."), which also allows PostgreSQL to rewrite the table."""
_REWRITE = """This revision would change {refused}, for which PostgreSQL rewrites the table while \
nobody can read or write it. No revision was written. Without downtime: add a column of the new \
type under another name, let the code write both, op.backfill it, let the code read the new one, \
and drop the old one; a new column that is computed, or of a domain with a CHECK constraint: \
let the code fill a plain one, and put the constraint on the table. If the table is small, or the \
service is down: `make revision m="..." rewrite={names}` (alembic -x rewrite={names} revision \
--autogenerate -m "...")."""
_IMPOSSIBLE = """PostgreSQL cannot {what} {name} from {before} to {after}: {error}. No revision \
was written. Write it by hand: `make empty-revision m="..."`, and op.alter_column with \
postgresql_using, after what uses the column is gone; or add a column under another name."""


def _named(kind: str, found: Sequence[Subject]) -> set[str]:
    """Return what was named on the command line, having compared it with what would be done."""
    names = [each.name for each in found]
    given = asked(kind, names)
    for name in sorted(given & set(names)):
        if names.count(name) > 1:
            both = sorted(f"{each.kind}:{name}" for each in found if each.name == name)
            raise UsageError(
                f"{kind}={name} names {len(both)} things. No revision was written. Say which is"
                f" meant: {' or '.join(f'{kind}={each}' for each in both)}."
            )
    allowed = {name for each in found for name in (each.name, f"{each.kind}:{each.name}")}
    if unknown := given - allowed:
        raise UsageError(
            f"{kind}={','.join(sorted(unknown))} names nothing that this revision would {kind}"
            f" (it would {kind}: {', '.join(names) or 'nothing'}). No revision was written."
        )
    return given


def asked(kind: str, known: Collection[str] = ()) -> set[str]:
    """Return what was named on the command line: to drop, to lose or to rewrite.

    Args:
        known: names that may have commas in them.
    """
    found: set[str] = set()
    for key, _, value in (a.partition("=") for a in alembic_context.get_x_argument()):
        rest = f",{value}," if key == kind else ""
        for name in known:
            if "," in name and f",{name}," in rest:
                found.add(name)
                rest = rest.replace(f",{name},", ",")
        found.update(name.strip() for name in rest.split(","))
    return found - {""}


def _refuse(found: Sequence[Subject], named: Collection[str], refusal: str) -> None:
    names = [each.name for each in found]
    refused = [x for x in found if x.name not in named and f"{x.kind}:{x.name}" not in named]
    if refused:
        shown = ",".join(
            f"{each.kind}:{each.name}" if names.count(each.name) > 1 else each.name
            for each in found
        )
        listed = ", ".join(map(str, refused))
        raise RefusedError(refusal.format(refused=listed, names=shlex.quote(shown)))


def _refuse_impossible(context: MigrationContext, op: ColumnOp, probed: Probed) -> None:
    if isinstance(op, ops.AddColumnOp) or not probed.error:
        return
    change = column_comparison.change(context, op)
    if probed.reverts:
        before, after = change.before.state.type, change.after.state.type
    else:
        before, after = change.after.state.type, change.before.state.type
    raise RefusedError(
        _IMPOSSIBLE.format(
            what="change" if probed.reverts else "revert the change of",
            name=_column(op).name,
            before=before,
            after=after,
            error=probed.error,
        )
    )


def _lossy(context: MigrationContext, op: ColumnOp, probed: Probed) -> Subject:
    assert isinstance(op, ops.AlterColumnOp)
    change = column_comparison.change(context, op)
    old, new = change.before.state, change.after.state
    what = f"{old.type} becomes {new.type}" if change.retypes else "its values will be generated"
    return _column(op, what, affected_rows.count(context, op, change, probed.using))


def _leaves(container: ops.OpContainer) -> Iterator[ops.MigrateOperation]:
    for op in container.ops:
        if isinstance(op, ops.OpContainer):
            yield from _leaves(op)
        else:
            yield op


def _dropped(op: ops.MigrateOperation) -> Subject | None:
    if isinstance(op, ops.DropTableOp):
        return Subject("table", _full(op.schema, op.table_name))
    if isinstance(op, ops.DropColumnOp):
        return Subject("column", _full(op.schema, op.table_name, op.column_name))
    if isinstance(op, DropDefinedConstraintOp) and op.is_exclusion:
        # It is rarely seen in a review, and without it double bookings go in unnoticed.
        return Subject("constraint", _full(op.schema, op.table_name, str(op.constraint_name)))
    return None


def _column(op: ColumnOp, *details: str) -> Subject:
    name = op.column_name if isinstance(op, ops.AlterColumnOp) else op.column.name
    known = [each for each in details if each]
    return Subject("column", _full(op.schema, op.table_name, name), known)


def _full(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)
