"""What leads from the indexes and constraints of a table to those of its model."""

import logging
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops

from migrator.autogenerate import described, reflected, renamed_constraints, replacements
from migrator.autogenerate.comparison import Comparison
from migrator.autogenerate.renamed_constraints import RenameOp
from migrator.autogenerate.replacements import CommentOnOp, Definition
from migrator.catalog import Key, Schema
from migrator.operations.validate_constraint import ValidateConstraintOp

WHOLE = ""
KEY = "primary key"
# What SQLAlchemy's operations do not say: they are taken from the catalog.
BY_DEFINITION = (KEY, "exclusion")

log = logging.getLogger("alembic.autogenerate")


@dataclass
class Table:
    """A table in both catalogs, as Alembic has reflected it, and as the models describe it."""

    context: AutogenContext
    compared: Comparison
    schema: str | None
    in_database: sa.Table
    in_models: sa.Table

    def operations(self, differing: Mapping[Key, Set[str]]) -> Iterator[MigrateOperation]:
        """Yield what to do about the objects that differ.

        Args:
            differing: in which properties they do; WHOLE if only one of the two has the object.
        """
        old = self._definitions(self.compared.existing, differing)
        new = self._definitions(self.compared.models, differing)
        for before, after in [*renamed_constraints.pairs(self.compared, old, new)]:
            yield self._renamed(old.pop(before), new.pop(after))
        replaced = dict(_replaced(old, new))
        for key, each in old.items():
            if key not in replaced.values() and key not in new:
                yield from self._dropped(each)
        for key, each in new.items():
            properties = differing[key]
            if key not in old and key not in replaced:
                yield from self._added(each)
            elif properties == {"not_valid"} and "not_valid" in old[key].properties:
                yield self._validated(old[key], each)
            elif properties != {"comment"}:
                yield self._changed(old[replaced[key]], each)
            if "comment" in properties:
                comments = (at.properties.get("comment") for at in (old[key], each))
                yield CommentOnOp(next(comments), key, self.schema, next(comments))

    def _definitions(self, schema: Schema, keys: Mapping[Key, Set[str]]) -> dict[Key, Definition]:
        # Keys in the order in which they can be made: a foreign key may need a new key.
        order = sorted(keys, key=lambda key: (key.kind == "constraint", key))
        found = ((key, schema.objects.get(key)) for key in order)
        return {key: Definition(key, value, self.schema) for key, value in found if value}

    def _renamed(self, old: Definition, new: Definition) -> MigrateOperation:
        log.info("Detected renamed %s, in the models %s", old.shown, new.name)
        return RenameOp(old, new)

    def _dropped(self, old: Definition) -> Iterator[MigrateOperation]:
        name = self.context.dialect.default_schema_name if self.context.dialect else None
        op = reflected.drop(self.in_database, old.name, old.properties, str(name))
        log.info("Detected removed %s", old.shown)
        yield op or replacements.drop(old)

    def _added(self, new: Definition) -> Iterator[MigrateOperation]:
        log.info("Detected added %s", new.shown)
        item = described.by_name(self.in_models).get(new.name)
        if isinstance(item, sa.Index):
            yield ops.CreateIndexOp.from_index(item)
        elif item is None or new.properties["type"] in BY_DEFINITION:
            yield replacements.replace(None, new)
        else:
            yield ops.AddConstraintOp.from_constraint(item)
        if text := new.properties.get("comment"):
            yield CommentOnOp(None, new.key, self.schema, text)

    def _changed(self, old: Definition, new: Definition) -> MigrateOperation:
        log.info("Detected changed %s", new.shown)
        return replacements.replace(old, new)

    def _validated(self, old: Definition, new: Definition) -> MigrateOperation:
        log.info("Detected %s, which is NOT VALID", new.shown)
        op = ValidateConstraintOp(new.name, new.table, schema=self.schema)
        op.back = old.put()
        return op


def _replaced(
    old: Mapping[Key, Definition], new: Mapping[Key, Definition]
) -> Iterator[tuple[Key, Key]]:
    """Yield what is put in the place of what: of the same name, or the one primary key."""
    by_name = {(key.name, _has_index(each)): key for key, each in old.items()}
    keys = [key for key, each in old.items() if each.properties.get("type") == KEY]
    for key, each in new.items():
        if keys and each.properties.get("type") == KEY:
            yield key, keys[0]
        elif key in old:
            yield key, key
        elif other := by_name.get((key.name, _has_index(each))):
            yield key, other


def _has_index(each: Definition) -> bool:
    return each.properties.get("type") not in ("check", "foreign key")
