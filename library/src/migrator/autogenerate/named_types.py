"""PostgreSQL's enum types and domains in revisions: as references; a statement creates the type."""

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.types import TypeEngine


def render(item: TypeEngine[Any], context: AutogenContext) -> str | None:
    """Render a named type of PostgreSQL as a reference to the type, None for anything else."""
    if context.dialect is None or context.dialect.name != "postgresql":
        return None
    if isinstance(item, DOMAIN):
        kind, arguments = "DOMAIN", [repr(str(item.name)), _repr_type(item.data_type, context)]
    elif isinstance(item, sa.Enum) and item.native_enum and item.name:
        # A label may be a member of a StrEnum, whose repr is no Python.
        labels = (repr(str.__str__(label)) for label in item.enums)
        kind, arguments = "ENUM", [*labels, f"name={str(item.name)!r}"]
    else:
        return None
    context.imports.add("from sqlalchemy.dialects import postgresql")
    if item.schema:
        arguments.append(f"schema={str(item.schema)!r}")
    return f"postgresql.{kind}({', '.join(arguments)}, create_type=False)"
