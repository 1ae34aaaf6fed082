"""The schema in the database, and the one that the models describe, both as catalogs.

The models' schema is built where the comparison runs, a shadow database as a rule: in a savepoint
that is rolled back, the tables go, and `metadata.create_all` makes the models' ones. So everything
that revisions create besides tables (extensions, functions, schemas) is there for both.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from alembic import context as alembic_context
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from migrator import catalog
from migrator.autogenerate import described, extensions, models_schema, reparsed
from migrator.catalog import Difference, Key, Schema
from migrator.errors import MigratorError, one_line
from migrator.revisions import accepted_drift
from migrator.revisions.accepted_drift import AcceptedDrift

# The SQLSTATEs of a type, a function, a table and a schema that do not exist.
UNDEFINED = ("42704", "42883", "42P01", "3F000")
KEY = "migrator_comparison"  # in the options of Alembic's context
# What models describe. Other objects, such as views and functions, are the revisions' business.
COMPARED = frozenset({"table", "column", "constraint", "index", *models_schema.KINDS, "schema"})
# Properties that models need not describe: what a revision has set by hand is no difference.
BY_HAND = frozenset(
    {
        *("row_security", "force_row_security", "replica_identity"),
        *("tablespace", "access_method", "index_options", "index_tablespace", "clustered"),
        *("storage", "statistics", "compression", "partition_key", "partition_bound", "inherits"),
        *("inherited", "part_of", "form", "cache", "owned_by"),
    }
)
# Where models describe a comment at all; those of other objects are set by hand as well.
COMMENTED = frozenset({"table", "column", "constraint"})


@dataclass(frozen=True)
class Comparison:
    """The catalog of the database, that of the models, and what differs of what models describe.

    In `models`, what is accepted is as it is in the database; `left_out` are the objects that only
    the models have.
    """

    existing: Schema
    models: Schema
    accepted: AcceptedDrift = field(default_factory=AcceptedDrift)
    left_out: frozenset[Key] = frozenset()

    @property
    def differences(self) -> list[Difference]:
        """What leads from the database to the models, but for what is accepted."""
        found = catalog.diff(self.existing, self.models)
        return self.accepted.others(each for each in found if _counts(each))


def of(context: MigrationContext) -> Comparison:
    """Return the comparison for a run of autogenerate; it is made once.

    Raises:
        MigratorError: the tables of the models cannot be created.
    """
    if KEY not in context.opts:
        assert context.connection is not None
        accepted = accepted_drift.read(Path(alembic_context.script.dir), "models")
        metadata = context.opts["target_metadata"]
        context.opts[KEY] = compare(context.connection, metadata, accepted)
    found: Comparison = context.opts[KEY]
    return found


def compare(
    connection: sa.Connection, metadata: sa.MetaData, accepted: AcceptedDrift | None = None
) -> Comparison:
    """Read the catalog of `connection`, and the one that `metadata` makes.

    Args:
        accepted: differences that are none.

    Raises:
        MigratorError: the tables of the models cannot be created, or two names are the same.
    """
    existing = catalog.read(connection, catalog.NOT_OURS)
    accepted = accepted or AcceptedDrift()
    hidden = _hidden(existing, metadata, connection.dialect.default_schema_name, accepted)
    try:
        if connection.dialect.name == "postgresql":
            described.refuse_equal_names(metadata)
        with models_schema.built(connection, metadata, existing, hidden) as models:
            built = catalog.read(models, catalog.NOT_OURS)
            if models.dialect.name == "postgresql":
                built = reparsed.settled(models, existing, built)
            else:
                built = _without_names(existing, built)
    except SQLAlchemyError as error:

        def again() -> None:
            with models_schema.built(connection, metadata, existing, hidden):
                pass

        postgresql = connection.dialect.name == "postgresql"
        found = postgresql and extensions.providing(connection, error, again)
        raise cannot_be_created(error, found or "") from error
    return _settled(_without(existing, hidden), _without(built, hidden), accepted)


def _settled(existing: Schema, models: Schema, accepted: AcceptedDrift) -> Comparison:
    """Take over from the database what is accepted, so that no revision changes it."""
    found = [each for each in catalog.diff(existing, models) if _counts(each)]
    others = {(each.key, each.property) for each in accepted.others(found)}
    objects = dict(models.objects)
    left_out = set()
    for each in found:
        key, name = each.key, each.property
        if (key, name) in others:
            continue
        if name:
            objects[key] = {k: v for k, v in objects[key].items() if k != name}
            objects[key] |= {name: each.before} if each.before is not None else {}
        elif each.before is not None:
            objects[key] = existing.objects[key]
        else:
            left_out.add(key)
    models = _without(Schema(objects), left_out)
    return Comparison(existing, models, accepted, frozenset(left_out))


def cannot_be_created(error: SQLAlchemyError, extension: str = "") -> MigratorError:
    """Return the error for models whose tables cannot be created.

    Args:
        extension: the one that provides what is missing.
    """
    cause = getattr(error, "orig", None) or error
    remedy = "Correct the models; `make tables` shows which were found."
    if extension:
        statement = f'CREATE EXTENSION IF NOT EXISTS "{extension}"'
        remedy = (
            f"The extension {extension} provides what is missing: `make empty-revision"
            f' m="add {extension}"`, and in it op.execute({statement!r}).'
        )
    elif getattr(cause, "sqlstate", None) in UNDEFINED:
        remedy = (
            "If it needs an extension, a function or a type that no model describes, create that"
            ' in a revision first (make empty-revision m="...").'
        )
    reason = one_line(cause).removesuffix(".")
    return MigratorError(
        f"The tables of the models cannot be created: {reason}. So nothing was compared. {remedy}"
    )


def _hidden(
    existing: Schema, metadata: sa.MetaData, default: str | None, accepted: AcceptedDrift
) -> list[Key]:
    """Return the tables that are not the models' business.

    They are partitions, foreign tables, what programs such as pg_partman make in the schema of an
    extension, and those that are accepted.
    """
    described = {(each.schema or default, each.name) for each in metadata.tables.values()}
    schemas = {schema for schema, _ in described} | {default}
    foreign = {
        properties.get("schema")
        for key, properties in existing.objects.items()
        if key.kind == "extension"
    } - schemas
    return [
        key
        for key, properties in existing.objects.items()
        if key.kind == "table" and (None, *key.name)[-2:] not in described
        if properties.keys() & {"partition_bound", "module"}
        or properties.get("form") == "foreign"
        or (len(key.name) > 1 and key.name[0] in foreign)
        or not accepted.others([Difference(key, "", properties, None)])
    ]


def _counts(difference: Difference) -> bool:
    key, name, after = difference.key, difference.property, difference.after
    # Those that models or their events have made; others are the revisions' business.
    if key.kind in (*models_schema.VIEWS, *models_schema.EVENTS):
        return after is not None and name in ("", "definition")
    if key.kind not in COMPARED or (key.kind == "schema" and name):
        return False
    if after is None and name == "comment":
        return key.kind in COMMENTED
    if (key.kind, name) == ("enum", "values"):  # a value that is gone stays: it cannot be dropped
        kept = [each for each in difference.before if each in after]
        return kept != list(after)
    return name not in BY_HAND or after is not None


def _without_names(existing: Schema, models: Schema) -> Schema:
    """Let a constraint of SQLite be the one without a name that says the same.

    Its name is of no use there but for a later revision, and a table made by hand has rarely one.
    """
    nameless = {
        (key.name[0], tuple(sorted(said.items()))): key
        for key, said in existing.objects.items()
        if key.kind == "constraint" and key.name[1].startswith(f"{said['type']} (")
    }

    def known(key: Key) -> Key:
        said = tuple(sorted(models.objects[key].items()))
        named = key.kind == "constraint" and key not in existing.objects
        return nameless.get((key.name[0], said), key) if named else key

    return Schema({known(key): said for key, said in models.objects.items()})


def _without(schema: Schema, left_out: Collection[Key]) -> Schema:
    """Leave out objects, with what belongs to those that are tables."""
    gone = {key.name for key in left_out if key.kind == "table"}
    kept = {
        key: properties
        for key, properties in schema.objects.items()
        if key not in left_out and key.name not in gone and key.name[:-1] not in gone
    }
    return Schema(kept)
