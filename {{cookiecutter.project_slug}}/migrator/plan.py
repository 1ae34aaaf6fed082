"""Where the database is, where this code wants it, and the revisions between the two."""

from dataclasses import dataclass

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from migrator.errors import MigratorError, UsageError


@dataclass(frozen=True)
class Plan:
    """`pending` leads from `current` (empty at base) to `target`, oldest first."""

    current: tuple[str, ...]
    target: str
    pending: tuple[Script, ...]

    @property
    def at(self) -> str:
        """The current revision in words."""
        return ", ".join(self.current) or "base"


def make(
    config: Config,
    connection: Connection,
    to: str = "head",
    revisions: ScriptDirectory | None = None,
) -> Plan:
    """Compare the database with the revisions of this code; changes nothing.

    Args:
        to: the revision to reach, as Alembic writes it.
        revisions: those of `config`, if they are loaded already, which takes 0.1 ms for each.

    Raises:
        MigratorError: the history has several heads, or the database is at a revision that
            this code does not have.
        UsageError: there is no revision `to`, or it lies behind.
    """
    script = revisions or load(config)
    target = _target(script, to)
    current = current_heads(connection)
    if set(current) == {target}:
        return Plan(current, target, ())
    for revision in current:
        _refuse_unknown(script, revision)
    try:
        pending = list(script.iterate_revisions(target, current or "base"))
    except (CommandError, RevisionError):
        raise UsageError(
            f"The database is at {', '.join(current)}, and no revision leads forward from there to"
            f" {target}; nothing was changed."
        ) from None
    return Plan(current, target, tuple(reversed(pending)))


def load(config: Config) -> ScriptDirectory:
    """Read the revision files.

    Raises:
        MigratorError: one of them is broken, or the one that it follows is missing.
    """
    script = ScriptDirectory.from_config(config)
    try:
        heads = script.get_heads()
    except CommandError:
        raise
    except KeyError as error:
        raise MigratorError(
            f"Revision {error} is missing, which another one follows (down_revision); bring its"
            " file back."
        ) from None
    except Exception as error:
        raise MigratorError(
            f"A revision file cannot be read: {type(error).__name__}: {error}. Mend it and run the"
            " command again."
        ) from None
    if len(set(heads)) < len(heads):
        raise MigratorError(
            f"Two files have the same revision ({', '.join(sorted(set(heads)))}); give the copy an"
            " identifier of its own."
        )
    return script


def current_heads(connection: Connection) -> tuple[str, ...]:
    """Return the revisions that the database is at, and end the transaction that reading began.

    Left open, it would be taken for the caller's by Alembic, which then commits nothing.
    """
    heads = MigrationContext.configure(connection).get_current_heads()
    connection.rollback()
    return heads


def describe(script: Script) -> str:
    """Return a revision in one line: its identifier and its message."""
    return f"{script.revision}  {script.doc}"


def _target(script: ScriptDirectory, to: str) -> str:
    heads = script.get_heads()
    if len(heads) > 1:
        raise MigratorError(
            f"The history has {len(heads)} heads ({', '.join(heads)}), so it is not clear where to"
            ' go; join them with `make merge m="merge"`.'
        )
    if not heads:
        raise UsageError('There is no revision yet; write one with `make revision m="initial"`.')
    if to in ("head", "heads"):
        return heads[0]
    try:
        found = script.get_revision(to)
    except CommandError:
        found = None
    if found is None:
        raise UsageError(f"There is no revision {to}; `make history` lists them.")
    return found.revision


def _refuse_unknown(script: ScriptDirectory, revision: str) -> None:
    try:
        script.get_revision(revision)
    except CommandError:
        raise MigratorError(
            f"The database is at revision {revision}, which this code does not have: either a newer"
            " version of the code was deployed before, or the revision was deleted. Nothing was"
            " changed; deploy the code that has it."
        ) from None
