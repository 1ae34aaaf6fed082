"""Enum types and domains that become other ones under the same name.

PostgreSQL only adds values to an enum type, and keeps the type that a domain is made of. So the old
one gets another name, a new one takes its place, and every column changes to it. That rewrites
tables: it has to be named.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alembic.operations import MigrateOperation
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import definitions, held_columns
from migrator.autogenerate.comparison import Comparison
from migrator.autogenerate.steps import sql
from migrator.catalog import Difference, Key
from migrator.operations import names
from migrator.operations.names import column as quoted
from migrator.postgres import converted_values
from migrator.postgres.converted_values import Conversion

BASE = ("type", "collation")  # what a domain is made of
Properties = Mapping[str, Any]


def domains(compared: Comparison) -> Iterator[Difference]:
    """Yield the domains that are made of another type; the values are all their properties."""
    for key, new in compared.models.objects.items():
        old = compared.existing.objects.get(key)
        if key.kind == "domain" and old and any(old.get(x) != new.get(x) for x in BASE):
            yield Difference(key, "type", old, new)


def loses(context: MigrationContext, domain: Difference) -> bool:
    """Whether values would be others in the new type."""
    assert context.connection is not None
    conversion = Conversion("value", domain.before["type"], domain.after["type"])
    # A text that is too long is refused: nothing of it is cut without a cast.
    texts = converted_values.are_texts(context.connection, conversion)
    return not texts and converted_values.loses(context.connection, conversion)


def replacing(
    context: MigrationContext, compared: Comparison, key: Key, properties: Properties
) -> list[MigrateOperation]:
    """Return the operations that put a type in the place of the one of its name.

    They run when everything else is as in the models.

    Args:
        properties: of the new one.
    """
    columns = [each for each in compared.models.objects if each.kind == "column"]
    used = [each for each in columns if _kind(compared, each) == _written(key)]
    made: Sequence[MigrateOperation] = sql(
        *_statements(compared, key, properties, context.dialect.default_schema_name)
    )
    # A new column is held by nothing that this revision does not make itself.
    there = [".".join(map(quoted, each.name)) for each in used if each in compared.existing.objects]
    if pair := held_columns.around(context, there):
        made = [pair[0], *made, pair[1]]
    return [*made]


def _statements(
    compared: Comparison, key: Key, properties: Properties, default: str | None
) -> Iterator[str]:
    name, old = definitions.name(key, default), names.cut(f"{key.name[-1]}_replaced")
    dependents = [*_dependents(compared, key)]
    yield from (drop for drop, _ in dependents)
    yield f"ALTER {definitions.WORDS[key.kind]} {name} RENAME TO {quoted(old)}"
    yield from definitions.create(key, properties, default)
    for table, actions in _columns(compared, key, name).items():
        yield f"ALTER TABLE {table} {', '.join(actions)}"
    yield definitions.drop(Key(key.kind, (*key.name[:-1], old)), default)
    yield from (again for _, again in reversed(dependents))


def _columns(compared: Comparison, key: Key, name: str) -> dict[str, list[str]]:
    """Return by table what changes its columns to the type: a table is rewritten once."""
    found: dict[str, list[str]] = {}
    for each, said in compared.models.objects.items():
        if each.kind != "column" or _kind(compared, each) != _written(key):
            continue
        array = "[]" if str(said["type"]).endswith("[]") else ""
        column = quoted(each.name[-1])
        # Without a cast to a domain, a value that does not fit stops it and is not cut.
        using = f" USING {column}::text{array}::{name}{array}" if key.kind == "enum" else ""
        actions = [f"TYPE {name}{array}{using}"]
        if value := said.get("default"):
            actions = ["DROP DEFAULT", *actions, f"SET DEFAULT {value}"]
        found.setdefault(_table(each), []).extend(f"ALTER COLUMN {column} {a}" for a in actions)
    return found


def _dependents(compared: Comparison, key: Key) -> Iterator[tuple[str, str]]:
    """Yield what drops and makes again what compares columns with values of the type."""
    for each, said in compared.models.objects.items():
        if f"::{_written(key)}" not in str(said.get("definition")):
            continue
        name = quoted(each.name[-1])
        if each.kind == "index":
            yield f"DROP INDEX {quoted(each.name[0])}.{name}", str(said["definition"])
        elif each.kind == "constraint":
            begin = f"ALTER TABLE {_table(each)}"
            again = f"{begin} ADD CONSTRAINT {name} {said['definition']}"
            yield f"{begin} DROP CONSTRAINT {name}", again


def _kind(compared: Comparison, column: Key) -> str:
    return str(compared.models.objects[column]["type"]).removesuffix("[]")


def _table(key: Key) -> str:
    return ".".join(map(quoted, key.name[:2]))


def _written(key: Key) -> str:
    return ".".join(map(quoted, key.name))
