"""Indexes and constraints that have another name in the models, and are the same otherwise."""

from collections.abc import Iterator, Mapping

from alembic.operations import ops

from migrator.autogenerate.comparison import Comparison
from migrator.autogenerate.replacements import Definition
from migrator.catalog import Key, Schema
from migrator.operations import names
from migrator.postgres import sql


class RenameOp(ops.ExecuteSQLOp):
    """Rename an index or a constraint, which takes no time. `is_index`: no statement names it."""

    def __init__(self, old: Definition, new: Definition) -> None:
        self.is_index = old.key.kind == "index"
        self.pair = (old, new)
        table = names.quoted(old.table, old.schema)
        what = f"TABLE {table} RENAME CONSTRAINT {names.column(old.name)}"
        if self.is_index:
            what = f"INDEX {names.quoted(old.name, old.schema)} RENAME"
        super().__init__(f"ALTER {what} TO {names.column(new.name)}".replace(":", r"\:"))

    def reverse(self) -> "RenameOp":
        """Return the operation that reverts it."""
        return RenameOp(*reversed(self.pair))


def pairs(
    compared: Comparison, old: Mapping[Key, Definition], new: Mapping[Key, Definition]
) -> Iterator[tuple[Key, Key]]:
    """Yield what is called otherwise, and its name in the models.

    Nothing else may have one of the two names, before or afterwards.
    """
    before, after = _taken(compared.existing), _taken(compared.models)
    free = [key for key in new if key not in old and not _names(key) & before]
    for key, each in old.items():
        if key not in new and not _names(key) & after:
            for other in free:
                if key.kind == other.kind and _said(each) == _said(new[other]):
                    free.remove(other)
                    yield key, other
                    break


def _said(each: Definition) -> Mapping[str, object]:
    """Return its properties, without its name."""
    definition = each.properties["definition"]
    if each.key.kind == "index":
        definition = sql.index_definition(definition, each.name, each.table)
    return {**each.properties, "definition": definition}


def _taken(schema: Schema) -> set[tuple[str, ...]]:
    kinds = ("index", "constraint")
    return {name for key in schema.objects if key.kind in kinds for name in _names(key)}


def _names(key: Key) -> set[tuple[str, ...]]:
    """Return its name in its table; in its schema, too, where all indexes have different names."""
    return {key.name, (key.name[0], key.name[-1])}
