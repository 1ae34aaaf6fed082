"""Which of the rows that old revisions wrote the revision that replaces them writes too."""

from collections.abc import Collection

from alembic.script import Script

from migrator.errors import RefusedError, UsageError
from migrator.history.replay import Rows

ALL = "all"


def kept(
    found: Rows, scripts: Collection[Script], keep: Collection[str], drop: Collection[str]
) -> dict[str, int]:
    """Return the number of rows to keep, by table.

    Raises:
        UsageError: `keep` or `drop` names a revision that is not among those to collapse.
        RefusedError: neither names a revision that wrote rows, or a table has rows of both kinds.
    """
    names = {one.revision for one in scripts}
    if unknown := {*keep, *drop} - names - {ALL}:
        raise UsageError(f"{', '.join(sorted(unknown))} is not among the revisions to collapse.")
    chosen: dict[str, int] = {}
    undecided: dict[str, list[str]] = {}
    for table, writers in found.writers.items():
        wanted = [r for r in writers if r in keep or (ALL in keep and r not in drop)]
        unwanted = [r for r in writers if r in drop or (ALL in drop and r not in keep)]
        if wanted and unwanted:
            raise RefusedError(
                f"Table {table} has rows of {', '.join(wanted)} (keep) and"
                f" {', '.join(unwanted)} (drop), which cannot be told apart; nothing was changed."
                " Name all these revisions in keep, or all in drop."
            )
        if wanted == writers:
            chosen[table] = found.counts[table]
        for revision in [r for r in writers if r not in wanted + unwanted]:
            undecided.setdefault(revision, []).append(f"{table}, {found.counts[table]} rows")
    if undecided:
        rows = "; ".join(
            f"{revision} ({'; '.join(tables)})" for revision, tables in undecided.items()
        )
        raise RefusedError(
            f"Revisions write rows that exist at the end of the history: {rows}. Nothing was"
            " changed; name each revision in keep=REV,... (--keep-data: the new revision inserts"
            " these rows) or in drop=REV,... (--drop-data: new databases will not have them), or"
            " use all."
        )
    return chosen
