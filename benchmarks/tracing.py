"""The trace of a whole history, against `alembic upgrade head` of the same one."""

from benchmarks.pairing import compare
from benchmarks.projects import ALEMBIC, PYTHON
from benchmarks.tables import COMPARED, Table, compared
from benchmarks.workshop import Sizes, Workshop

TRACE = (PYTHON, "-m", "migrator", "trace", "--json", "base..head")
COUNTS = (20, 100, 300, 1000)


def tracing(workshop: Workshop, sizes: Sizes) -> Table:
    """Whole histories: what each revision costs, and whether that stays so."""
    table = Table(
        "Trace of a whole history",
        "ours: migrator trace base..head; theirs: alembic upgrade head",
        COMPARED,
    )
    for count in [each for each in COUNTS if each <= sizes.revisions][-3:]:
        ours = workshop.history(count)
        entries = [
            ours.contestant("trace", *TRACE),
            ours.contestant("upgrade", *ALEMBIC, "upgrade", "head", before=workshop.emptying(ours)),
        ]
        found = compare(entries, sizes.effort)
        each = found.seconds("trace") / count * 1000
        table.rows.append(compared(f"{count} revisions, {each:.1f} ms each", found, "trace",
                                   "upgrade"))  # fmt: skip
    return table
