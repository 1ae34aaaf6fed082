"""A revision that creates a whole schema, written and then proved on shadow databases."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from migrator import shadow
from migrator.errors import MigratorError, one_line
from migrator.history import revision_draft, revision_file, schema_objects
from migrator.history.revision_file import RevisionParts
from migrator.history.schema_objects import Schema
from migrator.history.shadow_databases import ShadowDatabases


@dataclass(frozen=True)
class ProvedRevision:
    """A revision that was written and proved.

    Args:
        path: its file.
        carried: the objects that it creates with SQL.
        why: why it creates all objects with SQL, if it does.
    """

    path: Path
    carried: tuple[str, ...]
    why: str


def write(
    shadows: ShadowDatabases,
    folder: Path,
    revision: str,
    source: Engine,
    wanted: Schema,
    text: RevisionParts,
    filled: Sequence[str] = (),
) -> ProvedRevision:
    """Write a first revision that creates the schema `wanted` into `folder`, and prove it.

    Args:
        source: the database with that schema.
        filled: the tables into which the revision inserts rows.

    Raises:
        MigratorError: no such revision can be written; the message shows the difference.
    """
    why = ""
    for plain in (False, True):
        made = revision_draft.make(shadows, source, wanted, plain=plain)
        path = revision_file.write(shadows.context, folder, revision, made, text)
        problem = prove(shadows, folder, revision, wanted, (filled, text.rows))
        if not problem:
            return ProvedRevision(path, tuple(one.title for one in made.carried), why)
        path.unlink()
        why = problem
    leave = (
        "" if shadows.owners else " An entry in accepted_drift.toml can leave an object to others."
    )
    raise MigratorError(
        "A single revision that creates the same schema cannot be written; nothing was changed."
        f"{leave} The difference:\n{why}"
    )


def prove(
    shadows: ShadowDatabases,
    folder: Path,
    revision: str,
    wanted: Schema,
    filled: tuple[Sequence[str], tuple[str, ...]] = ((), ()),
) -> str:
    """Upgrade, downgrade and upgrade an empty shadow database with the revision.

    Args:
        filled: the tables with rows, and the statements that insert the expected rows.

    Returns:
        The first difference; empty if the schema is `wanted` after both upgrades and the downgrade
        leaves nothing behind.
    """
    with shadows.empty() as engine, shadows.fenced(engine, folder) as copy:
        try:
            shadow.upgrade(copy, revision)
            if different := schema_objects.difference(wanted, shadows.schema(engine)):
                return different
            if shadows.rows(engine, filled[0]) != filled[1]:
                return f"the rows in {', '.join(filled[0])} differ"
            shadow.downgrade(copy, "base")
            if left := schema_objects.remains(shadows.schema(engine)):
                return "a downgrade leaves behind: " + ", ".join(one.title for one in left)
            shadow.upgrade(copy, revision)
            return schema_objects.difference(wanted, shadows.schema(engine))
        except shadow.ShadowError:
            raise
        except (MigratorError, SQLAlchemyError, ValueError, TypeError, NameError) as error:
            return one_line(error)
