"""Enum types that lose values or have them in another order.

PostgreSQL only adds values, so it takes another type with the same name, and every column changes
to it. That rewrites tables: it has to be named. A value that is gone may stay, as well.
"""

import shlex
from collections.abc import Collection, Iterator, Sequence

from migrator.autogenerate import definitions
from migrator.autogenerate.comparison import Comparison
from migrator.catalog import Difference, Key
from migrator.operations import names
from migrator.operations.names import column as quoted

BUT = ", but for values that enum types keep"
KEPT = """Enum type {name} keeps {values}, which the models no longer list: PostgreSQL cannot drop \
a value, and rows may still hold it. Once none does, `make revision m="..." rewrite={key}` \
replaces the type{renamed}."""
RENAMED = """. If {old} is {new} now: `make empty-revision m="..."`, and in it \
op.execute({statement!r})"""


def of(compared: Comparison) -> list[Difference]:
    """Return the enum types whose values differ."""
    kinds = (key for key in compared.models.objects if key.kind == "enum")
    pairs = [
        Difference(key, "values", old.get("values", ()), compared.models.objects[key]["values"])
        for key in kinds
        if (old := compared.existing.objects.get(key))
    ]
    return [each for each in pairs if each.before != each.after]


def gone(values: Difference) -> list[str]:
    """Return the values that no model lists."""
    return [label for label in values.before if label not in values.after]


def is_reordered(values: Difference) -> bool:
    """Whether values that stay are in another order."""
    common = [label for label in values.before if label in values.after]
    return common != [label for label in values.after if label in values.before]


def kept(
    compared: Comparison, default: str | None = None, named: Collection[str] = ()
) -> Iterator[str]:
    """Yield a sentence for each type that keeps values which are gone; none for those named."""
    for each in of(compared):
        old, key = gone(each), called(each.key)
        if not old or key in named or is_reordered(each):
            continue
        name, new = definitions.name(each.key, default), [*{*each.after} - {*each.before}]
        renamed = ""
        if len(old) == len(new) == 1:
            literals = [names.literal(label) for label in (*old, *new)]
            statement = f"ALTER TYPE {name} RENAME VALUE {literals[0]} TO {literals[1]}"
            renamed = RENAMED.format(
                old=literals[0], new=literals[1], statement=statement.replace(":", r"\:")
            )
        values = definitions.labels(old)
        yield KEPT.format(name=name, values=values, key=shlex.quote(key), renamed=renamed)


def called(key: Key) -> str:
    """Return the name that has to be named."""
    return ".".join(key.name)


def replacing(compared: Comparison, values: Difference, default: str | None) -> list[list[str]]:
    """Return the statements that replace a type by the one of the models, and those that revert it.

    They run when everything else is as in the models.
    """
    key = values.key
    # Reverted, it has the new values, too: rows may hold them.
    before = (*values.before, *(label for label in values.after if label not in values.before))
    return [list(_statements(compared, key, each, default)) for each in (values.after, before)]


def _statements(
    compared: Comparison, key: Key, values: Sequence[str], default: str | None
) -> Iterator[str]:
    name, old = definitions.name(key, default), names.cut(f"{key.name[-1]}_replaced")
    dependents = [*_dependents(compared, key)]
    yield from (drop for drop, _ in dependents)
    yield f"ALTER TYPE {name} RENAME TO {quoted(old)}"
    properties = {**compared.models.objects[key], "values": values}
    yield from definitions.create(key, properties, default)
    for table, actions in _columns(compared, key, name).items():
        yield f"ALTER TABLE {table} {', '.join(actions)}"
    yield definitions.drop(Key(key.kind, (*key.name[:-1], old)), default)
    yield from (again for _, again in reversed(dependents))


def _columns(compared: Comparison, key: Key, name: str) -> dict[str, list[str]]:
    """Return by table what changes its columns to the type: a table is rewritten once."""
    found: dict[str, list[str]] = {}
    for each, said in compared.models.objects.items():
        if each.kind != "column" or str(said["type"]).removesuffix("[]") != _written(key):
            continue
        array = "[]" if str(said["type"]).endswith("[]") else ""
        column = quoted(each.name[-1])
        actions = [f"TYPE {name}{array} USING {column}::text{array}::{name}{array}"]
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


def _table(key: Key) -> str:
    return ".".join(map(quoted, key.name[:2]))


def _written(key: Key) -> str:
    return ".".join(map(quoted, key.name))
