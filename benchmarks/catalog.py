"""Reading a database's catalog, against pg_dump of the same database."""

import sys
from functools import partial

import psycopg

from benchmarks.measuring import Contestant, environment
from benchmarks.pairing import compare
from benchmarks.projects import PYTHON
from benchmarks.tables import COMPARED, Table, compared
from benchmarks.workshop import Sizes, Workshop

READ_TARGET = 1.0
# 17 objects each: a table, seven columns, a key, a unique and a CHECK constraint, a foreign key,
# three indexes, a sequence, a comment.
TABLE = """
CREATE TABLE t{number} (
  id bigserial PRIMARY KEY, code varchar(200) NOT NULL UNIQUE, price numeric(12, 2) DEFAULT 0,
  kind text CHECK (kind <> ''), parent bigint REFERENCES t{parent}, at timestamptz DEFAULT now(),
  tags text[]
);
CREATE INDEX ON t{number} (parent);
CREATE INDEX ON t{number} (lower(code)) WHERE price > 0;
CREATE INDEX ON t{number} (at DESC) INCLUDE (kind);
COMMENT ON COLUMN t{number}.code IS 'what it is called';
"""
READ = """
import sys
import sqlalchemy as sa
from migrator import catalog
with sa.create_engine(sys.argv[1]).connect() as connection:
    found = catalog.read(connection)
"""
DIFF = READ + "    found.text(); assert not catalog.diff(found, catalog.read(connection))\n"


def catalogs(workshop: Workshop, sizes: Sizes) -> Table:
    """Read databases of many tables, as a process of its own, imports and all."""
    table = Table(
        "Catalogs of PostgreSQL",
        "ours: catalog.read; theirs: pg_dump -s; `twice and compared` also writes it as text",
        COMPARED,
    )
    for count in sizes.modules:
        url = workshop.database(f"catalog_{count}")
        _fill(url.replace("+psycopg", ""), count)
        own = partial(Contestant, folder=workshop.folder, environment=environment())
        dump = (workshop.program("pg_dump"), "-s", url.replace("+psycopg", ""))
        entries = [
            own("read", (sys.executable, "-c", READ, url)),
            own("diff", (sys.executable, "-c", DIFF, url)),
            own("import", (PYTHON, "-c", "import sqlalchemy, migrator.catalog")),
            own("dump", dump),
        ]
        found = compare(entries, sizes.effort)
        for name, what in (("read", "read"), ("diff", "twice and compared"), ("import", "imports")):
            target = READ_TARGET if name == "read" and count == max(sizes.modules) else None
            row = compared(f"{what}, {count} tables", found, name, "dump", target)
            table.rows.append(row)
    return table


def _fill(url: str, count: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(1, count + 1):
            connection.execute(TABLE.format(number=number, parent=max(1, number // 10)))
