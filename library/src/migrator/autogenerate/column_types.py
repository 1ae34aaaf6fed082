"""Column types and SQL as revisions have them, so that a revision can be run for ever.

Alembic writes a type that is not its own as `module.Type()` and leaves the import to the reader,
so that the revision fails with NameError. And a revision must not import the application, whose
types change.
"""

import sys
import sysconfig
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy import ClauseElement
from sqlalchemy.exc import CompileError, DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlalchemy.util import constructor_copy, immutabledict

from migrator.autogenerate import named_types
from migrator.config.target import Target
from migrator.operations import RawType, names

PROBE = "migrator_types"
SAME = f"""
SELECT count(DISTINCT (atttypid, atttypmod, attcollation)) FROM pg_catalog.pg_attribute
WHERE attrelid = 'pg_temp.{PROBE}'::regclass AND attnum > 0
"""
RAW: dict[str, Any] = {"execution_options": {"no_parameters": True}}


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Render a type; Alembic's render_item hook (False leaves the item to Alembic).

    An enum becomes a reference to its type, a decorator (which works in Python only) what it
    stores in this database, and the type of a library is imported. Variants for other databases
    are left out if the project has only PostgreSQL.
    """
    if kind != "type" or not isinstance(item, TypeEngine):
        return False
    if item._variant_mapping and _only_postgresql(context):
        return _repr_type(_without_variants(item), context)
    module = type(item).__module__
    if named := named_types.render(item, context):
        return named
    if module.startswith(("sqlalchemy.", "alembic.")):
        public = _public(item)
        if public is not item:
            return _repr_type(public, context)
        return _elsewhere(item, context) if ".postgresql." in module else False
    if isinstance(item, TypeDecorator):
        return _repr_type(_stored(item, context), context)
    if isinstance(item, RawType) or not _is_installed(module):
        context.imports.add("from migrator.operations import RawType")
        return f"RawType({item.compile(dialect=context.dialect)!r})"
    context.imports.add(f"import {module}")
    return f"{module}.{item!r}"


def _only_postgresql(context: AutogenContext) -> bool:
    migration = context.migration_context
    config = migration.config if migration else None
    return config is not None and Target(config).project_dialects == {"postgresql"}


def _without_variants(item: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return what a type is in PostgreSQL."""
    own = item._variant_mapping.get("postgresql", item).copy()
    own._variant_mapping = immutabledict()
    return own


def of_database(
    connection: sa.Connection | None, column: sa.Column[Any], kind: str, collation: str | None
) -> TypeEngine[Any]:
    """Return the type of a column of the database, as a revision can write it.

    Args:
        column: as SQLAlchemy has read it, which does not know every type.
        kind: its type as the catalog has it.
        collation: its collation, if the type has another one.
    """
    assert connection is not None
    default = f"{connection.dialect.default_schema_name}."
    written = kind.removeprefix(default) + (f" COLLATE {collation}" if collation else "")
    found: TypeEngine[Any] = column.type
    savepoint = connection.begin_nested()
    try:
        own = found.compile(dialect=names.DIALECT)
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {PROBE} (a {own}, b {written})", **RAW)
        same = connection.exec_driver_sql(SAME, **RAW).scalar_one() == 1
    except (CompileError, DBAPIError):
        same = False
    finally:
        savepoint.rollback()
    return found if same else RawType(written)


def _is_installed(module: str) -> bool:
    """Whether a type comes from an installed package, which a revision may import."""
    path = getattr(sys.modules.get(module.split(".")[0]), "__file__", None) or ""
    return any(path.startswith(sysconfig.get_path(each)) for each in ("purelib", "platlib"))


def _stored(item: TypeDecorator[Any], context: AutogenContext) -> TypeEngine[Any]:
    """Return what a decorator is in this database (as CREATE TABLE has it), with its variants."""
    assert context.dialect is not None
    stored = item.type_engine(context.dialect)
    if item._variant_mapping:
        stored = stored.copy()
        stored._variant_mapping = stored._variant_mapping.union(item._variant_mapping)
    return stored


def _public(item: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type that a revision can name, where a driver has put its own in its place.

    `dialect.type_descriptor(JSONB())`, which is how decorators choose, is psycopg's `_PGJSONB`.
    """
    dialect = sys.modules.get(".".join(type(item).__module__.split(".")[:3]))
    for each in type(item).__mro__:
        if each in (getattr(home, each.__name__, None) for home in (sa.types, dialect)):
            if each is type(item):
                return item
            public: TypeEngine[Any] = constructor_copy(item, each)
            public._variant_mapping = item._variant_mapping
            return public
    return item


def _elsewhere(item: TypeEngine[Any], context: AutogenContext) -> str | Literal[False]:
    """Render a type of PostgreSQL in another database's revision, where it is a variant.

    Only Alembic's part for PostgreSQL says whose the type inside JSONB is: `sa.Text()`.
    """
    assert context.dialect is not None
    if context.dialect.name == "postgresql":
        return False
    context.imports.add("from sqlalchemy.dialects import postgresql")
    return object.__new__(PostgreSQLImpl).render_type(item, context)


class PostgreSQLImpl(PostgresqlImpl):
    """What Alembic knows of PostgreSQL, with percent signs in SQL as the models have them."""

    __dialect__ = "postgresql"  # from here on Alembic takes this one

    def render_ddl_sql_expr(self, expr: ClauseElement, *args: Any, **kw: Any) -> str:
        """Return an expression as SQL.

        Drivers that take parameters as `%s` want every other percent sign twice, but what is in a
        revision is doubled when it is run: a default '5%' would become '5%%'.
        """
        written = super().render_ddl_sql_expr(expr, *args, **kw)
        doubled = self.dialect.paramstyle in ("format", "pyformat")
        return written.replace("%%", "%") if doubled else written
