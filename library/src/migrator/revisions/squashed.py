"""Which revision replaces one that a squash has removed."""

from alembic.script import Script, ScriptDirectory

from migrator.errors import MigratorError


def by(revisions: ScriptDirectory, gone: str) -> Script | None:
    """Return the revision whose `replaces` names `gone`, None if there is none."""
    for script in revisions.walk_revisions():
        if gone in getattr(script.module, "replaces", ()):
            return script
    return None


def error(revisions: ScriptDirectory, gone: str) -> MigratorError | None:
    """Return the error for a database at `gone`, None if no squash has removed it."""
    script = by(revisions, gone)
    if script is None:
        return None
    return MigratorError(
        f"The database is at revision {gone}, which was squashed into {script.revision}"
        f" ({script.doc}), so no revision here follows it. Nothing was changed; bring it to"
        f" {script.revision} with the last code that has {gone} (`make upgrade"
        f" to={script.revision}` or a deploy with --to {script.revision} there), then run this"
        " again."
    )
