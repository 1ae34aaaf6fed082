"""Draft models for an existing database with sqlacodegen, in the style of the project.

The names and the relationships are sqlacodegen's. What a table is in the database (types, defaults,
constraints, indexes, sequences) is written as the catalog has it, and nothing is guessed: no
inheritance from a foreign key, no boolean or enum from a CHECK constraint.
"""

import warnings
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlacodegen.generators import Base, DeclarativeGenerator, LiteralImport
from sqlacodegen.models import Model, ModelClass, RelationshipAttribute
from sqlalchemy import CheckConstraint, Column, Constraint, ForeignKey, Index, MetaData, Table
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import NullType, TypeEngine

from migrator.catalog import Key, Schema
from migrator.history import (
    definition_code,
    model_names,
    model_types,
    python_types,
    relationships,
    serials_and_sequences,
)

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
OPTIONS = ["nojoined", "nonativeenums", "nosyntheticenums"]


def draft(connection: Connection, metadata: MetaData, schema: Schema, base: str) -> str:
    """Return a module with models for the tables of `metadata`, which is modified.

    Args:
        schema: the catalog of the database.
        base: the declarative base, as package.module:Base.
    """
    metadata.naming_convention = {}  # each name is written
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about cycles between tables
        return f"{DOCSTRING}\n\n{_Generator(metadata, connection, schema, base).generate()}"


class _Generator(DeclarativeGenerator):
    def __init__(
        self, metadata: MetaData, connection: Connection, schema: Schema, base: str
    ) -> None:
        super().__init__(metadata, connection, OPTIONS)
        self.schema = schema
        self.default = connection.dialect.default_schema_name
        self.base_path = base
        self.unnamed = 0
        self.exclusions: set[Constraint] = set()
        self.serials = serials_and_sequences.serials(metadata, schema, self.default)
        self.sequences = serials_and_sequences.sequences(
            metadata, schema, self.default, self.serials
        )
        self.others = model_types.unlike(connection, metadata, schema)
        self.late = set(relationships.cycles(metadata))

    def said(self, kind: str, *name: str) -> Any:
        """Return what the catalog says of an object; nothing, on SQLite."""
        return self.schema.objects.get(Key(kind, name), {})

    def named(self, table: Table) -> tuple[str, ...]:
        """Return the name of a table as the catalog has it."""
        return (str(table.schema or self.default), table.name)

    def generate_base(self) -> None:
        module, _, name = self.base_path.partition(":")
        self.base_class_name = name
        imports = [LiteralImport(module, name)]
        declarations = []
        if self.others:
            imports.append(LiteralImport("sqlalchemy.types", "UserDefinedType"))
            declarations.append(OTHER)
        for key, code in self.sequences.items():
            imports.append(LiteralImport("sqlalchemy", "Sequence"))
            variable = f"{model_names.plain(key.name[-1]).removesuffix('_seq')}_sequence"
            declarations.append(f"{variable} = Sequence({code}, metadata={name}.metadata)")
        if any("data_type=" in code for code in self.sequences.values()):
            imports += [LiteralImport("sqlalchemy", each) for each in ("Integer", "SmallInteger")]
        self.base = Base(imports, declarations, f"{name}.metadata")

    def find_free_name(
        self, name: str, global_names: set[str], local_names: Collection[str] = ()
    ) -> str:
        used = global_names | model_names.USED | {self.base_class_name, *dir(DeclarativeBase)}
        return super().find_free_name(model_names.plain(name), used, local_names)

    def fix_column_types(self, table: Table) -> None:
        owner = self.named(table)
        for column in table.columns:
            if self.bind.dialect.name == "postgresql":
                # SQLAlchemy gives a column what its domain has.
                said = self.said("column", *owner, column.name)
                column.nullable = "not_null" not in said
                if isinstance(column.server_default, sa.DefaultClause) and "default" not in said:
                    column.server_default = None
            if column in self.others:
                column.type = NullType()
            elif not isinstance(column.type, DOMAIN):
                column.type = self.get_adapted_type(column.type)
            default: Any = column.server_default
            if isinstance(default, sa.Computed):
                default.sqltext = sa.literal_column(definition_code.escaped(str(default.sqltext)))
            elif column in self.serials:
                column.server_default = None
            elif isinstance(default, sa.DefaultClause) and isinstance(default.arg, sa.TextClause):
                default.arg.text = definition_code.escaped(default.arg.text)
            if column not in self.serials or len(table.primary_key) == 1:
                column.autoincrement = "auto"
        if self.bind.dialect.name == "postgresql":
            self._from_catalog(table, owner)

    def _from_catalog(self, table: Table, owner: tuple[str, ...]) -> None:
        """Let a table have the indexes and exclusion constraints that the catalog has."""
        table.indexes.clear()
        for key, said in self.schema.objects.items():
            if key.name[:-1] != owner:
                continue
            if key.kind == "index":
                # Its expressions are rendered from the definition.
                table.append_constraint(Index(key.name[-1], _table=table))
            elif key.kind == "constraint" and said["type"] == "exclusion":
                # sqlacodegen knows no exclusion constraints, but renders a CHECK.
                constraint = CheckConstraint("true", name=key.name[-1])
                table.append_constraint(constraint)
                self.exclusions.add(constraint)

    def generate_relationships(
        self,
        source: ModelClass,
        models_by_table_name: dict[str, Model],
        association_tables: list[Model],
    ) -> list[RelationshipAttribute]:
        own = [
            each
            for each in association_tables
            if relationships.joins(each.table, source.table, self.metadata)
        ]
        with relationships.without_outside(source.table, self.metadata):
            found = super().generate_relationships(source, models_by_table_name, own)
        for each in list(relationships.wrong(source)):
            relationships.remove(each)
        return found

    def collect_imports_for_column(self, column: Column[Any]) -> None:
        if not isinstance(column.type, NullType):
            super().collect_imports_for_column(column)

    def render_models(self, models: list[Model]) -> str:
        # mypy asks for the type of what a class uses that is above it.
        code = "\n" + super().render_models(models)
        for model in models:
            if not isinstance(model, ModelClass):
                code = code.replace(f"\n{model.name} = Table(", f"\n{model.name}: Table = Table(")
        return code.strip()

    def render_column(self, column: Column[Any], show_name: bool, is_table: bool = False) -> str:
        code = super().render_column(column, show_name, is_table)
        usual = column in self.serials or self.bind.dialect.name != "postgresql"
        if usual or not serials_and_sequences.would_be_serial(column):
            return code
        return f"{code[:-1]}, autoincrement=False)"

    def render_column_type(self, column: Column[Any]) -> str:
        if isinstance(column.type, NullType):
            return f"Other({self.others[column]!r})"
        if isinstance(column.type, DOMAIN):
            domain = column.type
            self.add_literal_import("sqlalchemy.dialects.postgresql", "DOMAIN")
            schema = f", schema={domain.schema!r}" if domain.schema else ""
            inner = type(domain.data_type.as_generic(allow_nulltype=True)).__name__
            self.add_literal_import("sqlalchemy", inner)
            return f"DOMAIN({domain.name!r}, {inner}(){schema}, create_type=False)"
        return super().render_column_type(column)

    def render_column_python_type(self, column: Column[Any]) -> str:
        inner: TypeEngine[Any] = column.type
        dimensions = 0
        if isinstance(inner, sa.ARRAY):
            dimensions, inner = inner.dimensions or 1, inner.item_type
        code, imported = python_types.of(inner)
        for module, name in imported:
            if name:
                self.add_literal_import(module, name)
            else:
                self.add_module_import(module)
        found = f"{'list[' * dimensions}{code}{']' * dimensions}"
        if not column.nullable:
            return found
        self.add_literal_import("typing", "Optional")
        return f"Optional[{found}]"

    def render_constraint(self, constraint: Constraint | ForeignKey) -> str:
        if isinstance(constraint, ForeignKey):
            return super().render_constraint(constraint)
        table = constraint.table
        name = str(constraint.name or "")
        definition = self.said("constraint", *self.named(table), name).get("definition", "")
        if constraint in self.exclusions:
            self.add_literal_import("sqlalchemy", "text")
            self.add_literal_import("sqlalchemy.dialects.postgresql", "ExcludeConstraint")
            return definition_code.exclusion(definition, name)
        code = super().render_constraint(constraint)
        if isinstance(constraint, CheckConstraint):
            # The naming convention requires a name, and must not be applied to one.
            self.add_literal_import("sqlalchemy.sql.elements", "conv")
            self.unnamed += not name
            final = name or f"ck_{table.name}_{self.unnamed}"
            said = definition_code.condition(definition) if definition else constraint.sqltext
            condition = definition_code.escaped(str(said))
            return f"CheckConstraint({condition!r}, name=conv({final!r}))"
        if isinstance(constraint, sa.ForeignKeyConstraint):
            return f"{code[:-1]}, use_alter=True)" if constraint in self.late else code
        return "".join([code[:-1], *(f", {each}" for each in _key_options(definition)), ")"])

    def render_index(self, index: Index) -> str:
        table = index.table
        said = self.said("index", *self.named(table), str(index.name)) if table is not None else {}
        self.add_literal_import("sqlalchemy", "text")
        if table is None or self.bind.dialect.name != "postgresql":
            return definition_code.reflected_index(index)
        columns = [column.name for column in table.columns]
        unique = bool(said.get("unique"))
        return definition_code.index(
            said["definition"], str(index.name), table.name, unique, columns
        )


def _key_options(definition: str) -> list[str]:
    return definition_code.key_options(definition) if definition else []
