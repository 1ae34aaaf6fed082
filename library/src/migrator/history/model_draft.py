"""Draft models for an existing database with sqlacodegen, in the style of the project."""

from typing import Any

import sqlalchemy as sa
from sqlacodegen.generators import Base, DeclarativeGenerator, LiteralImport
from sqlalchemy import CheckConstraint, Column, Constraint, ForeignKey, Index, MetaData
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

OTHER = '''class Other(UserDefinedType[object]):
    """A type that SQLAlchemy does not support, by its name in SQL."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        """Return its name."""
        return self.name
'''
DOCSTRING = '"""The tables of the adopted database: a draft, to be split up and renamed."""'
TYPE = """
SELECT format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(:table) AND attname = :column
"""


def draft(connection: Connection, metadata: MetaData, base: str) -> str:
    """Return a module with models for the tables of `metadata`, which is modified.

    Args:
        base: the declarative base, as package.module:Base.
    """
    generator = _Generator(metadata, connection, ["nonativeenums"])
    generator.base_path = base
    return f"{DOCSTRING}\n\n{generator.generate()}"


class _Generator(DeclarativeGenerator):
    """Differs where sqlacodegen would lose something, and uses the project's base."""

    base_path = ""
    unnamed = 0

    def generate_base(self) -> None:
        module, _, name = self.base_path.partition(":")
        self.base_class_name = name
        columns = [column for table in self.metadata.tables.values() for column in table.columns]
        other = any(isinstance(column.type, NullType) for column in columns)
        imports = [LiteralImport(module, name)]
        if other:
            imports.append(LiteralImport("sqlalchemy.types", "UserDefinedType"))
        self.base = Base(imports, [OTHER] if other else [], f"{name}.metadata")

    def collect_imports_for_column(self, column: Column[Any]) -> None:
        if not isinstance(column.type, NullType):
            super().collect_imports_for_column(column)

    def render_column_type(self, column: Column[Any]) -> str:
        if isinstance(column.type, NullType):
            table = self.bind.dialect.identifier_preparer.format_table(column.table)
            named = {"table": table, "column": column.name}
            assert isinstance(self.bind, Connection)
            return f"Other({self.bind.scalar(sa.text(TYPE), named)!r})"
        if isinstance(column.type, DOMAIN):
            domain = column.type
            self.add_literal_import("sqlalchemy", "Text")
            schema = f", schema={domain.schema!r}" if domain.schema else ""
            inner = type(domain.data_type.as_generic(allow_nulltype=True)).__name__
            self.add_literal_import("sqlalchemy", inner)
            return f"DOMAIN({domain.name!r}, {inner}(){schema}, create_type=False)"
        return super().render_column_type(column)

    def render_constraint(self, constraint: Constraint | ForeignKey) -> str:
        code = super().render_constraint(constraint)
        if isinstance(constraint, CheckConstraint) and constraint.name is None:
            # The naming convention requires a name; the database accepts any.
            self.add_literal_import("sqlalchemy.sql.elements", "conv")
            self.unnamed += 1
            return f"{code[:-1]}, name=conv('ck_{constraint.table.name}_{self.unnamed}'))"
        if isinstance(constraint, CheckConstraint) and constraint.name:
            # The naming convention must not be applied to an existing name.
            self.add_literal_import("sqlalchemy.sql.elements", "conv")
            return code.replace(f"name={constraint.name!r}", f"name=conv({str(constraint.name)!r})")
        if constraint.dialect_kwargs.get("postgresql_nulls_not_distinct"):
            return f"{code[:-1]}, postgresql_nulls_not_distinct=True)"
        return code

    def render_index(self, index: Index) -> str:
        parts = []
        for expression in index.expressions:
            if isinstance(expression, Column):
                parts.append(repr(str(expression.name)))
            else:
                self.add_literal_import("sqlalchemy", "text")
                parts.append(f"text({str(expression)!r})")
        options = {key: value for key, value in index.dialect_kwargs.items() if value}
        arguments = [repr(str(index.name)), *parts]
        arguments += ["unique=True"] if index.unique else []
        for key, value in options.items():
            shown = f"text({str(value)!r})" if key.endswith("_where") else repr(value)
            arguments.append(f"{key}={shown}")
        return f"Index({', '.join(arguments)})"
