"""Enum types that lose values or have them in another order.

PostgreSQL only adds values, so it takes another type with the same name (`replaced_types`). A value
that is gone may stay, as well.
"""

import shlex
from collections.abc import Collection, Iterator

from migrator.autogenerate import definitions
from migrator.autogenerate.comparison import Comparison
from migrator.catalog import Difference, Key
from migrator.operations import names

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
