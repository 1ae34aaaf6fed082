"""Collapse the history, or its beginning, into one revision that creates the same schema.

The new revision keeps the identifier of the last one that it replaces, so nothing has to be done
for a database at that revision, which has this schema, or for a branch that follows it. A new
identifier would have to be stamped into every database between two deploys.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script, ScriptDirectory

from migrator import database
from migrator.config.context import Context
from migrator.errors import MigratorError, PendingError, RefusedError, UsageError
from migrator.history import (
    executed_sql,
    folder_swap,
    proved_revision,
    replay,
    revision_file,
    squashed_rows,
)
from migrator.history.executed_sql import ExecutedSQL
from migrator.history.shadow_databases import ShadowDatabases, with_revisions
from migrator.revisions import graph, position


@dataclass(frozen=True)
class SquashRange:
    """The revisions to collapse, oldest first, and their folder."""

    scripts: tuple[Script, ...]
    versions: Path

    @property
    def last(self) -> Script:
        """The last revision, whose identifier is kept."""
        return self.scripts[-1]

    @property
    def replaces(self) -> tuple[str, ...]:
        """The identifiers that are replaced, including those of earlier squashes."""
        names = [n for s in self.scripts for n in (*getattr(s.module, "replaces", ()), s.revision)]
        return tuple(name for name in dict.fromkeys(names) if name != self.last.revision)


@dataclass(frozen=True)
class SquashResult:
    """The new revision.

    Args:
        path: its file.
        carried: the objects that it creates with SQL.
        why: why it creates all objects with SQL, if it does.
        kept: the number of rows that it inserts, by table.
        dropped: the number of rows that it does not insert, by table.
    """

    path: Path
    carried: tuple[str, ...]
    why: str
    kept: dict[str, int]
    dropped: dict[str, int]


def choose(context: Context, to: str = "head") -> SquashRange:
    """Return what a squash up to `to` would collapse.

    Raises:
        RefusedError: `context` is for production, or another branch follows a revision that would
            be removed.
        PendingError: the database of `context` is at a revision that would be removed.
        UsageError: there is no revision `to`, or the revisions are in several folders.
        MigratorError: the history has several heads, or cannot be read.
    """
    refuse_production(context)
    script = graph.load(context)
    last = _last(script, to)
    scripts = tuple(reversed(list(script.iterate_revisions(last.revision, "base"))))
    gone = {one.revision for one in scripts}
    for other in script.walk_revisions():
        needed = sorted({*other._all_down_revisions} & (gone - {last.revision}))
        if other.revision not in gone and needed:
            raise RefusedError(
                f"Revision {other.revision} ({other.doc}) follows {', '.join(needed)}, which would"
                " be removed; nothing was changed. Join the branches with `make merge` first, or"
                " squash up to the revision where they diverge."
            )
    chosen = SquashRange(scripts, folder(script))
    _refuse_replaced(context, chosen)
    return chosen


def refuse_production(context: Context) -> None:
    """Refuse an ini file that is for deploys.

    Raises:
        RefusedError: it is for production.
    """
    if context.settings.production:
        raise RefusedError(
            f"{context.ini} is for deploys, and a squash rewrites the revisions: run"
            " `make squash`, which uses alembic.ini, in a checkout."
        )


def folder(script: ScriptDirectory) -> Path:
    """Return the folder of the revisions.

    Raises:
        UsageError: there are several.
    """
    if len(script._version_locations) > 1:
        raise UsageError(
            "The revisions are in several folders (version_locations), which cannot be replaced in"
            " one step; move the revisions into one folder first."
        )
    return Path(script.versions)


def run(
    context: Context,
    chosen: SquashRange,
    message: str,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
) -> SquashResult:
    """Write the revision, prove it, and replace the old revisions with it.

    Args:
        message: the message of the new revision.
        keep: revisions whose rows the new revision inserts too ("all" for all).
        drop: revisions whose rows the new revision does not insert.

    Raises:
        RefusedError: neither `keep` nor `drop` names a revision that writes rows.
        MigratorError: a revision fails, or the proof fails; nothing was changed.
    """
    shadows = ShadowDatabases(context, context.target.url)
    with shadows.empty() as old, folder_swap.replacement(chosen.versions) as new:
        found = replay.run(shadows, old, chosen.scripts)
        kept = squashed_rows.kept(found, chosen.scripts, keep, drop)
        wanted = shadows.schema(old)
        filled = shadows.rows(old, list(kept))
        heads = with_heads(context, chosen.versions)
        for one in chosen.scripts:
            (new / Path(one.path).relative_to(chosen.versions.absolute())).unlink()
        labels = tuple(dict.fromkeys(n for s in chosen.scripts for n in s._orig_branch_labels))
        text = revision_file.RevisionParts(message, chosen.replaces, labels, filled)
        made = proved_revision.write(
            shadows, new, chosen.last.revision, old, wanted, text, list(kept)
        )
        if with_heads(context, new) != heads:
            raise MigratorError(
                "The squash would change the heads of the history; nothing was changed."
            )
        folder_swap.swap(chosen.versions, new)
    return SquashResult(
        chosen.versions / made.path.relative_to(new),
        made.carried,
        made.why,
        kept,
        {table: n for table, n in found.counts.items() if table not in kept},
    )


def executed(chosen: SquashRange) -> list[ExecutedSQL]:
    """Return the SQL that the revisions execute themselves, which autogenerate does not see."""
    return executed_sql.find(list(chosen.scripts))


def with_heads(context: Context, versions: Path) -> set[str]:
    """Return the heads of the revisions in a folder."""
    copy = with_revisions(context.fresh(), versions)
    return set(ScriptDirectory.from_config(copy.config).get_heads())


def _last(script: ScriptDirectory, to: str) -> Script:
    heads = script.get_heads()
    if to == "head" and len(heads) > 1:
        raise MigratorError(
            f"The history has {len(heads)} heads ({', '.join(heads)}); join them with `make merge"
            ' m="merge"` first, or name the last revision to squash with to=REV (--to).'
        )
    try:
        found = script.get_revision(to)
    except MigratorError:
        raise
    except Exception:
        found = None
    if found is None:
        raise UsageError(f"There is no revision {to}; `make history` lists them.")
    return found


def _refuse_replaced(context: Context, chosen: SquashRange) -> None:
    with database.connect(context) as connection:
        current = position.current_heads(connection)
    if gone := set(current) & set(chosen.replaces):
        raise PendingError(
            f"Your database is at {', '.join(sorted(gone))}, which would be removed, and then"
            " it could not be upgraded; nothing was changed. Run `make migrate` first."
        )
