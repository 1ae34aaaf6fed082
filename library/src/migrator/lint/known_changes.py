"""How the actions of revisions change the schema that is known."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from migrator.lint.known_schema import KEYS, Column, Constraint, Schema, Table
from migrator.lint.statements import Action


def learn(schema: Schema, action: Action) -> None:
    """Note in `schema` what an action changes."""
    if change := CHANGES.get(action.kind):
        change(schema, action)


def _create(schema: Schema, action: Action) -> None:
    table = schema.table(action.table)
    table.created, table.partitioned = True, action.has("partitioned")
    for parent in action.refers:
        _copy(schema, parent, table)
        if action.has("default partition"):
            schema.table(parent).has_default_partition = True


def _create_view(schema: Schema, action: Action) -> None:
    schema.views[action.name], schema.reads[action.name] = action.columns, action.refers
    if action.kind == "create materialized view":
        schema.materialized.add(action.name)


def _create_function(schema: Schema, action: Action) -> None:
    schema.functions[action.name] = action


def _identify(schema: Schema, action: Action) -> None:
    schema.table(action.table).identified = not action.has("nothing", "default")


def _check_domain(schema: Schema, action: Action) -> None:
    if action.kind == "add domain constraint" or action.has("checked"):
        schema.checked.add(action.name)


def _create_trigger(schema: Schema, action: Action) -> None:
    # One that is dropped is kept: what is made again under its name is nothing new.
    schema.triggers[action.table, action.name] = action


def _drop_function(schema: Schema, action: Action) -> None:
    schema.functions.pop(action.name, None)


def _drop_view(schema: Schema, action: Action) -> None:
    schema.views.pop(action.name, None)
    schema.reads.pop(action.name, None)
    schema.materialized.discard(action.name)


def _drop_table(schema: Schema, action: Action) -> None:
    schema.tables.pop(action.table, None)


def _like(schema: Schema, action: Action) -> None:
    _copy(schema, action.refers[0], schema.table(action.table))


def _copy(schema: Schema, name: str, table: Table) -> None:
    source = schema.tables.get(name, Table())
    table.columns |= {key: replace(each) for key, each in source.columns.items()}
    keys = {f"{name} {key}": each for key, each in source.constraints.items()}
    table.constraints |= keys | {f"{name} {key}": each for key, each in source.indexes.items()}


def _add_column(schema: Schema, action: Action) -> None:
    sequence = f"{action.table}_{action.name}_seq" if action.has("serial") else ""
    columns = schema.table(action.table).columns
    columns[action.name] = Column(
        action.type, action.has("not null"), action.has("default", "generated"), sequence
    )
    if sequence:
        schema.sequences[sequence] = action.type


def made(action: Action) -> Constraint:
    """Return the constraint or the index that an action adds."""
    if action.kind == "create index":
        unique, whole = action.has("unique"), action.has("whole")
        columns = (*action.columns, *action.condition)
        return Constraint("index", columns, unique and whole, whole=whole)
    kind, is_valid = action.value or "", not action.has("not valid")
    wants = action.columns if action.has("nulls out") else ()
    return Constraint(kind, action.columns, kind in KEYS, is_valid, wants, kind in KEYS)


def _add_constraint(schema: Schema, action: Action) -> None:
    table, new = schema.table(action.table), made(action)
    if index := table.indexes.pop(action.new_name, None):
        new = replace(new, columns=index.columns)
    table.constraints[action.name] = new
    if new.kind == "primary key":
        for name in new.columns:
            table.columns.setdefault(name, Column()).required = True


def _validate(schema: Schema, action: Action) -> None:
    constraints = schema.table(action.table).constraints
    if old := constraints.get(action.name):
        constraints[action.name] = replace(old, valid=True)


def _drop_constraint(schema: Schema, action: Action) -> None:
    schema.table(action.table).constraints.pop(action.name, None)


def _create_index(schema: Schema, action: Action) -> None:
    name = action.name or "_".join((action.table, *action.columns, "idx"))
    schema.table(action.table).indexes[name] = made(action)


def _drop_index(schema: Schema, action: Action) -> None:
    for table in schema.tables.values():
        table.indexes.pop(action.name, None)


def _rename_index(schema: Schema, action: Action) -> None:
    for table in schema.tables.values():
        _rename(table.indexes, action)
        _rename(table.constraints, action)  # that the index belongs to


def _rename_constraint(schema: Schema, action: Action) -> None:
    table = schema.table(action.table)
    _rename(table.constraints, action)


def _rename(kept: dict[str, Any], action: Action) -> None:
    if action.name in kept:
        kept[action.new_name] = kept.pop(action.name)


def _attach(schema: Schema, action: Action) -> None:
    if action.has("default partition"):
        schema.table(action.table).has_default_partition = True


def _drop_column(schema: Schema, action: Action) -> None:
    table = schema.table(action.table)
    table.columns.pop(action.name, None)
    for kept in (table.constraints, table.indexes):
        for name in [key for key, each in kept.items() if action.name in each.columns]:
            del kept[name]


def _rename_column(schema: Schema, action: Action) -> None:
    table = schema.table(action.table)
    _rename(table.columns, action)
    for kept in (table.constraints, table.indexes):
        for name, each in kept.items():
            kept[name] = replace(
                each,
                columns=tuple(_renamed(column, action) for column in each.columns),
                wants=tuple(_renamed(column, action) for column in each.wants),
            )


def _renamed(column: str, action: Action) -> str:
    return action.new_name if column == action.name else column


def _rename_type(schema: Schema, action: Action) -> None:
    for table in schema.tables.values():
        for column in table.columns.values():
            if column.type and column.type.name == action.name:
                column.type = replace(column.type, name=action.new_name)


def _rename_table(schema: Schema, action: Action) -> None:
    if found := schema.tables.pop(action.table, None):
        schema.tables[action.new_name] = found


def _alter_sequence(schema: Schema, action: Action) -> None:
    if action.type or action.kind == "create sequence":
        schema.sequences[action.name] = action.type
    table, _, column = (action.value or "").rpartition(".")
    if table:
        schema.table(table).columns.setdefault(column, Column()).sequence = action.name


def _set(**values: object) -> Callable[[Schema, Action], None]:
    def change(schema: Schema, action: Action) -> None:
        columns = schema.table(action.table).columns
        columns[action.name] = replace(columns.get(action.name, Column()), **values)  # type: ignore[arg-type]

    return change


def _set_type(schema: Schema, action: Action) -> None:
    schema.table(action.table).columns.setdefault(action.name, Column()).type = action.type


CHANGES: dict[str, Callable[[Schema, Action], None]] = {
    "create table": _create,
    "like": _like,
    "create view": _create_view,
    "create materialized view": _create_view,
    "create function": _create_function,
    "create procedure": _create_function,
    "create trigger": _create_trigger,
    "replica identity": _identify,
    "create domain": _check_domain,
    "add domain constraint": _check_domain,
    "drop function": _drop_function,
    "drop procedure": _drop_function,
    "drop view": _drop_view,
    "drop materialized view": _drop_view,
    "drop table": _drop_table,
    "rename table": _rename_table,
    "rename type": _rename_type,
    "rename domain": _rename_type,
    "add column": _add_column,
    "drop column": _drop_column,
    "rename column": _rename_column,
    "set type": _set_type,
    "set not null": _set(required=True),
    "drop not null": _set(required=False),
    "set default": _set(has_default=True),
    "drop default": _set(has_default=False),
    "add constraint": _add_constraint,
    "attach partition": _attach,
    "validate constraint": _validate,
    "drop constraint": _drop_constraint,
    "create index": _create_index,
    "drop index": _drop_index,
    "rename index": _rename_index,
    "rename constraint": _rename_constraint,
    "create sequence": _alter_sequence,
    "alter sequence": _alter_sequence,
}
