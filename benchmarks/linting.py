"""Lint without a trial, against the command of Alembic that renders the same SQL."""

from benchmarks.pairing import compare
from benchmarks.projects import ALEMBIC, PYTHON
from benchmarks.tables import COMPARED, Table, compared
from benchmarks.workshop import Sizes, Workshop

LINT = (PYTHON, "-m", "migrator", "lint", "--no-trace")
COUNTS = (20, 100, 300, 1000)


def linting(workshop: Workshop, sizes: Sizes) -> Table:
    """Whole histories: what each revision costs besides the start, and whether that stays so."""
    table = Table(
        "Lint of a whole history, without a trial",
        "ours: migrator lint --no-trace base..head; theirs: alembic upgrade head --sql, or lint of"
        " the last revision alone",
        COMPARED,
    )
    counts = [each for each in COUNTS if each <= sizes.revisions]
    for count in counts[-3:]:
        ours = workshop.history(count)
        entries = [
            ours.contestant("all", *LINT, "base..head"),
            ours.contestant("one", *LINT, "head"),
            ours.contestant("sql", *ALEMBIC, "upgrade", "head", "--sql"),
        ]
        found = compare(entries, sizes.effort)
        each = (found.seconds("all") - found.seconds("one")) / (count - 1) * 1000
        name = f"{count} revisions, {each:.1f} ms each"
        table.rows.append(compared(f"{name}: against --sql", found, "all", "sql"))
        table.rows.append(compared(f"{name}: against the last one", found, "all", "one"))
    return table
