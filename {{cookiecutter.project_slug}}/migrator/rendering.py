"""How column types are written into revisions, so that a revision can be run for ever.

Alembic writes a type that is not its own as `module.Type()` and leaves the import to the reader,
so that the revision fails with NameError. And a revision must not import the application, whose
types change.
"""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
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
