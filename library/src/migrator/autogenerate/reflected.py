"""Indexes and constraints as SQLAlchemy has read them from the database, where it lost nothing."""

from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from sqlalchemy.schema import AddConstraint, CreateIndex

from migrator.operations import names
from migrator.postgres import sql

NULLS = "nulls_not_distinct"


def drop(table: sa.Table, name: str, properties: Any, schema: str) -> MigrateOperation | None:
    """Return Alembic's operation that drops an index or a constraint, and makes it again.

    None if SQLAlchemy has not read all of it: then its definition has to be taken.

    Args:
        properties: of it in the catalog.
        schema: of the table, which SQLAlchemy does not name if it is the default one.
    """
    definition = properties["definition"]
    more = set(properties) - {"type", "definition", "columns", "unique"}
    if more or sql.repeatable(definition) != definition:
        return None
    for index in table.indexes:
        if index.name == name and "type" not in properties:
            tail = _tail(names.compiled(CreateIndex(_plain(index))), f" ON {_target(table)} ")
            written = tail if tail.startswith("USING") else f"USING btree {tail}"
            same = written == sql.index_definition(definition, name, str(table.name))
            return ops.DropIndexOp.from_index(index) if same else None
    for constraint in table.constraints:
        if constraint.name == name and "type" in properties:
            included = constraint.dialect_options["postgresql"].get("include")
            if isinstance(constraint, sa.PrimaryKeyConstraint) or included:
                return None
            ddl = names.compiled(AddConstraint(_plain(constraint)))
            same = _is_same(
                _tail(ddl, f" ADD CONSTRAINT {names.column(name)} "), definition, schema
            )
            return ops.DropConstraintOp.from_constraint(constraint) if same else None
    return None


def _plain(item: Any) -> Any:
    """Return it without NULLS DISTINCT, which is the default, and an error before PostgreSQL 15."""
    options = item.dialect_options["postgresql"]
    if not options.get(NULLS):
        options[NULLS] = None
        item.dialect_kwargs.pop(f"postgresql_{NULLS}", None)
    return item


def _target(table: sa.Table) -> str:
    return names.quoted(table.name, table.schema)


def _tail(ddl: str, after: str) -> str:
    return ddl.split(after, 1)[-1]


def _is_same(written: str, definition: str, schema: str) -> bool:
    """Whether the two differ in nothing but spaces, and how a CHECK is put in parentheses."""
    own = _squeezed(definition).replace(f"REFERENCES{names.column(schema)}.", "REFERENCES", 1)
    found = _squeezed(written).replace(f"REFERENCES{names.column(schema)}.", "REFERENCES", 1)
    return own in (found, found.replace("CHECK(", "CHECK((", 1) + ")")


def _squeezed(text: str) -> str:
    return "".join(text.split())
