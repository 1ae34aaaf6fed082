"""The order of created and dropped tables: foreign keys of a cycle after all, drops before them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.schema import SchemaItem, sort_tables_and_constraints
from sqlalchemy.sql.elements import conv

from migrator.operations import names


class LateForeignKeyOp(ops.CreateForeignKeyOp):
    """A foreign key of a new table that needs a new key of a table that is there.

    That key is for the contract phase, and so is what refers to it.
    """


@dataclass
class Tables:
    """The operations of a revision, by what they are about.

    of_created             indexes of created tables
    foreign_keys           of created tables, when all of these are there
    others                 existing tables
    foreign_keys_before    of dropped tables, which refer to each other
    with_dropped           indexes of dropped tables, which go with these
    """

    created: list[ops.CreateTableOp] = field(default_factory=list)
    of_created: list[ops.ModifyTableOps] = field(default_factory=list)
    foreign_keys: list[MigrateOperation] = field(default_factory=list)
    others: list[MigrateOperation] = field(default_factory=list)
    foreign_keys_before: list[MigrateOperation] = field(default_factory=list)
    dropped: list[ops.DropTableOp] = field(default_factory=list)
    with_dropped: list[ops.ModifyTableOps] = field(default_factory=list)

    @classmethod
    def of(cls, context: MigrationContext, operations: Sequence[MigrateOperation]) -> "Tables":
        """Sort operations as Alembic has found them."""
        made = cls()
        for op in operations:
            if isinstance(op, ops.CreateTableOp):
                made.created.append(op)
            elif isinstance(op, ops.DropTableOp):
                made.dropped.append(op)
        default = context.dialect.default_schema_name
        # Alembic leaves out a default schema that the models write out.
        created = {(op.schema or default, op.table_name): op.schema for op in made.created}
        dropped = {(op.schema, op.table_name) for op in made.dropped}
        for op in operations:
            if isinstance(op, ops.ModifyTableOps):
                name = (op.schema, op.table_name)
                if (key := (op.schema or default, op.table_name)) in created:
                    op.schema = created[key]
                    made.of_created.append(_in_transaction(op))
                elif name in dropped:
                    made.with_dropped.append(op)
                else:
                    made.others.append(op)
            elif not isinstance(op, ops.CreateTableOp | ops.DropTableOp):
                made.others.append(op)
        made.sort_created()
        made.sort_dropped()
        return made

    def in_order(self) -> Iterator[MigrateOperation]:
        """Yield all of them."""
        for op in self.created:
            yield op
            yield from self.of_one(op)
        yield from by_table(self.foreign_keys)
        yield from self.others
        yield from by_table(self.foreign_keys_before)
        yield from self.dropped

    def of_dropped(self, table: ops.DropTableOp) -> Iterator[MigrateOperation]:
        """Yield what drops indexes of a table that is dropped."""
        for op in self.with_dropped:
            if (op.schema, op.table_name) == (table.schema, table.table_name):
                yield from op.ops

    def of_one(self, table: ops.CreateTableOp) -> Iterator[ops.ModifyTableOps]:
        """Yield the indexes of a created table: a foreign key of the next may need a unique one."""
        name = (table.schema, table.table_name)
        yield from (op for op in self.of_created if (op.schema, op.table_name) == name)

    def leave_out_of(self, table: ops.CreateTableOp) -> None:
        """Forget the indexes of a table, which another operation creates."""
        leaving = [*self.of_one(table)]
        self.of_created = [op for op in self.of_created if op not in leaving]

    def sort_created(self) -> None:
        """Put created tables into order, and the foreign keys of a cycle after all of them."""
        by_table = {_table(op): op for op in self.created}
        tables = [table for table in by_table if table is not None]
        ordered: list[ops.CreateTableOp] = [by_table[None]] if None in by_table else []
        later: list[sa.ForeignKeyConstraint] = []
        for table, foreign_keys in _sorted(tables):
            if table is None:
                later = sorted(foreign_keys, key=lambda each: (each.table.fullname, str(each.name)))
            else:
                op = by_table[table]
                op.columns = list(_items(table, set(foreign_keys)))
                ordered.append(op)
        self.created = ordered
        self.foreign_keys = [_foreign_key(each) for each in later]

    def sort_dropped(self) -> None:
        """Put dropped tables into order, and the foreign keys of a cycle before all of them."""
        by_table = {_table(op): op for op in self.dropped}
        tables = [table for table in by_table if table is not None]
        ordered: list[ops.DropTableOp] = [by_table[None]] if None in by_table else []
        for each in tables:
            _know_what_is_referred_to(each)
        for table, foreign_keys in _sorted(tables):
            if table is not None:
                ordered.append(by_table[table])
            else:
                cycle = {key for key in foreign_keys if key.referred_table in by_table}
                self.foreign_keys_before = list(map(ops.DropConstraintOp.from_constraint, cycle))
                for op in self.dropped:
                    assert op._reverse is not None
                    op._reverse.columns = [
                        each
                        for each in op._reverse.columns
                        if not (isinstance(each, sa.ForeignKeyConstraint) and each in cycle)
                    ]
        self.dropped = ordered[::-1]


def _sorted(
    tables: list[sa.Table],
) -> list[tuple[sa.Table | None, list[sa.ForeignKeyConstraint]]]:
    """Return tables with the foreign keys that they can be created with, last None and others."""
    return list(sort_tables_and_constraints(tables))  # type: ignore[no-untyped-call]


def _know_what_is_referred_to(table: sa.Table) -> None:
    """Let the metadata of a table that was read have the others that its foreign keys name."""
    for foreign_key in table.foreign_keys:
        key, _, column = foreign_key.target_fullname.rpartition(".")
        schema, _, name = key.rpartition(".")
        others = table.metadata.tables
        other = (
            others[key] if key in others else sa.Table(name, table.metadata, schema=schema or None)
        )
        if column not in other.columns:
            other.append_column(sa.Column(column, sa.types.NullType()))


def by_table(operations: Sequence[MigrateOperation]) -> Iterator[ops.ModifyTableOps]:
    """Yield foreign keys, added or dropped, each with its table."""
    for op in operations:
        table = op.source_table if isinstance(op, ops.CreateForeignKeyOp) else op.table_name  # type: ignore[attr-defined]
        schema = op.kw.get("source_schema") if isinstance(op, ops.CreateForeignKeyOp) else op.schema  # type: ignore[attr-defined]
        yield ops.ModifyTableOps(table, [op], schema=schema)


def _in_transaction(table: ops.ModifyTableOps) -> ops.ModifyTableOps:
    """Return what builds indexes in the transaction in which their table is created."""
    for op in table.ops:
        if isinstance(op, ops.CreateIndexOp):
            op.kw.pop("postgresql_concurrently", None)
    return table


def _table(op: ops.CreateTableOp | ops.DropTableOp) -> sa.Table | None:
    created = op._reverse if isinstance(op, ops.DropTableOp) else op
    for each in created.columns if created else ():
        owner = getattr(each, "table", None)
        if isinstance(owner, sa.Table):
            return owner
    return None


def _items(table: sa.Table, foreign_keys: set[sa.ForeignKeyConstraint]) -> Iterator[SchemaItem]:
    """Yield the columns and constraints of a table that CREATE TABLE has."""
    for column in table.columns:
        default = column.default
        if isinstance(default, sa.Sequence) and not default.optional:
            column = column._copy()
            column.autoincrement = False  # it has a sequence of its own
        yield column
    for constraint in table.constraints:
        if not isinstance(constraint, sa.ForeignKeyConstraint) or constraint in foreign_keys:
            yield constraint
    for column in table.columns:
        for check in column.constraints:
            if isinstance(check, sa.CheckConstraint) and not check._type_bound:
                name = names.final_name(check) if check.name else None
                yield sa.CheckConstraint(check.sqltext, name=conv(name) if name else None)


def _foreign_key(constraint: sa.ForeignKeyConstraint) -> ops.AddConstraintOp:
    op = ops.CreateForeignKeyOp.from_constraint(constraint)
    op.kw.pop("use_alter", None)  # says where it is written, and here it is
    return op
