"""How a revision is named in lists: in a plan, a rollback, a status."""

from alembic.script import Script

from migrator.revisions import phase_and_transaction


def line(script: Script) -> str:
    """Return a revision in one line: its identifier, its message and its attributes."""
    found = phase_and_transaction.described(script)
    return f"{script.revision}  {script.doc}" + (f"  [{found}]" if found else "")


def as_dict(script: Script) -> dict[str, str | bool]:
    """Return a revision for JSON."""
    found = phase_and_transaction.of(script).as_dict()
    return {"revision": script.revision, "message": script.doc, **found}
