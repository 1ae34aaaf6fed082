"""How column types and SQL are written into revisions, so that a revision can be run for ever.

Alembic writes a type that is not its own as `module.Type()` and leaves the import to the reader,
so that the revision fails with NameError. And a revision must not import the application, whose
types change.
"""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy import ClauseElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from migrator import enums


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Render a type; Alembic's render_item hook (False leaves the item to Alembic).

    An enum becomes a reference to its type, a decorator (which works in Python only) what it
    stores in the database, and the type of a library is imported.
    """
    if kind != "type" or not isinstance(item, TypeEngine):
        return False
    module = type(item).__module__
    if enum := enums.render(item, context):
        return enum
    if module.startswith(("sqlalchemy.", "alembic.")):
        return False
    if isinstance(item, TypeDecorator):
        return _repr_type(item.impl_instance, context)
    context.imports.add(f"import {module}")
    return f"{module}.{item!r}"


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
