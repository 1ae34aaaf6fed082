"""What users of 1,000 tenants notice while a fleet is deployed to."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.underload.load import load
from benchmarks.underload.requests import SLOW

TENANTS = 1000
# The names end in three digits.
CHOSEN = "\n".join(f"\\set {digit} random(0, 9)" for digit in "abc")
SCHEMA = "t_00:a:b:c"
SCRIPTS = {
    "read": (f"SELECT count(*) FROM {SCHEMA}.items", 4),
    "join": (f"SELECT count(*) FROM {SCHEMA}.orders JOIN {SCHEMA}.items i ON i.id = item_id", 4),
    "write": (f"INSERT INTO {SCHEMA}.notes (body) VALUES ('a note')", 1),
    "item": (f"INSERT INTO {SCHEMA}.items (name) VALUES (gen_random_uuid()::text)", 1),
}
HEADER = [
    f"| meanwhile 300 requests a second | deploy | requests | longest | p99 | over"
    f" {SLOW * 1000:.0f} ms | failed |",
    "| :-- | --: | --: | --: | --: | --: | --: |",
]


def row(title: str, programs: Path, url: str, deploy: Callable[[], float]) -> str:
    """Deploy under load, and return the row of the table.

    Args:
        url: the database with the tenants, for psycopg.
        deploy: deploys, and returns the seconds.
    """
    with TemporaryDirectory() as folder:
        where = Path(folder, "load")
        with load(programs, where, url, scripts=SCRIPTS, chosen=CHOSEN) as running:
            seconds = deploy()
            found = running.stop()
    return (
        f"| {TENANTS:,} schemas, {title} | {seconds:.1f} s | {found.count:,} | {found.max_ms:.0f}"
        f" ms | {found.p99_ms:.0f} ms | {found.slow} | {found.failed} |"
    )
