"""`make bench-fleet`: a deploy to many schemas, against a raw loop and one command for each.

The raw loop is the floor: one connection, and for each schema one transaction with the statement,
the version and a line of the log. One command per tenant is measured with some and extrapolated.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

from benchmarks import fleet_under_load
from benchmarks.measuring import environment
from benchmarks.projects import PYTHON, REPOSITORY, Project, render
from benchmarks.workshop import Workshop, workshop

README = REPOSITORY / "README.md"
MARKERS = ("<!-- bench-fleet:begin -->", "<!-- bench-fleet:end -->")
ALONE = 50  # tenants for one command each
MODELS = '''"""What each tenant has."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText


class Item(Base):
    """Something to sell."""

    __tablename__ = "items"
    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(unique=True)


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), index=True)


class Note(Base):
    """A text."""

    __tablename__ = "notes"
    id: Mapped[PrimaryKey]
    body: Mapped[str]
'''
REVISION = '''"""{name}"""

import sqlalchemy as sa
from alembic import op

revision: str = "{name}"
down_revision: str = "{before}"
{transactional}

def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    pass
'''
COLUMN = "op.add_column('items', sa.Column('{name}', sa.Integer()))"
INDEX = "op.create_index_concurrently('ix_notes_{name}', 'notes', ['body'])"
CHANGES = (
    ("ADD COLUMN", COLUMN, ""),
    ("CREATE INDEX CONCURRENTLY", INDEX, "transactional = False\n"),
)
RAW = {
    "ADD COLUMN": "ALTER TABLE items ADD COLUMN raw integer",
    "CREATE INDEX CONCURRENTLY": "CREATE INDEX CONCURRENTLY ix_notes_raw ON notes (body)",
}
LOG = (
    "INSERT INTO migration_log (revision, down_revision, direction, started_at, seconds, attempts,"
    " waited, who, host, code_commit, tool_version) VALUES ('raw', '', 'upgrade', now(), 0, 1, 0,"
    " '', '', '', '')"
)
SAMPLE = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@dataclass
class Bench:
    """A project with a fleet of `count` schemas in the database `url`."""

    shop: Workshop
    project: Project
    url: str
    count: int
    head: str
    schema: list[str] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """The URL for psycopg."""
        return self.url.replace("+psycopg", "")

    def fleet(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> "Measured":
        """Run `fleet ...`, and watch its processes and connections."""
        command = (PYTHON, "-m", "migrator", "-c", "alembic_prod.ini", "fleet", *arguments)
        return measured(self, command, self.url, codes)

    def revision(self, name: str, upgrade: str, transactional: str = "") -> None:
        """Write a revision."""
        text = REVISION.format(
            name=name, before=self.head, upgrade=upgrade, transactional=transactional
        )
        (self.project.versions / f"{name}.py").write_text(text, "utf-8")
        self.head = name
        self.project.run(PYTHON, "-m", "migrator", "snapshot")


@dataclass(frozen=True)
class Measured:
    """Seconds, the largest memory of one process in MB, and the most connections at once."""

    seconds: float
    memory: float
    connections: int
    output: str


def measured(
    bench: Bench, command: tuple[str, ...], url: str, codes: tuple[int, ...] = (0,)
) -> Measured:
    """Run a command; it has to end with one of these codes."""
    most = 0
    peak = 0.0
    name = urlsplit(bench.url).path.lstrip("/")
    with psycopg.connect(bench.plain, autocommit=True) as watching:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=bench.project.folder,
            env=environment(DATABASE_URL=url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        output = ""
        while process.poll() is None:
            row = watching.execute(SAMPLE, (name,)).fetchone()
            most = max(most, row[0] if row else 0)
            peak = max(peak, _memory(process.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - start
        output = process.stdout.read() if process.stdout else ""
    if process.returncode not in codes:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Measured(seconds, peak, most, output)


def _memory(pid: int) -> float:
    """Return the largest resident memory of a process and its children, in MB."""
    found = 0.0
    for each in [pid, *_children(pid)]:
        try:
            text = Path(f"/proc/{each}/status").read_text()
        except OSError:
            continue
        if match := re.search(r"VmHWM:\s+(\d+)", text):
            found = max(found, int(match[1]) / 1024)
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def make(shop: Workshop, count: int) -> Bench:
    """Make the project and its tenants."""
    print(f"Making {count} schemas", file=sys.stderr, flush=True)
    name = f"fleet_{count}"
    url = shop.database(name)
    project = render(shop.template, shop.folder / name, shop.database(f"dev_{count}"))
    (project.folder / "app/models/shop.py").write_text(MODELS, "utf-8")
    ini = project.folder / "alembic_prod.ini"
    ini.write_text(
        ini.read_text("utf-8")
        + "\n[fleet]\nschemas_sql = SELECT nspname AS schema FROM pg_namespace"
        + " WHERE nspname LIKE 't\\_%' ORDER BY 1\nbackup = false\n",
        "utf-8",
    )
    project.run(PYTHON, "-m", "migrator", "revision", "-m", "start")
    (file,) = project.versions.glob("*.py")
    head = (re.search(r'^revision: str = "(\w+)"', file.read_text("utf-8"), re.M) or [""])[1]
    bench = Bench(shop, project, url, count, head)
    # One tenant by the command, the others as copies of what it consists of.
    bench.fleet("create", "t_00000")
    body = (project.folder / "migrations/tenant.sql").read_text("utf-8").partition("\n\n")[2]
    with psycopg.connect(bench.plain, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for number in range(1, count):
            schema = f"t_{number:05}"
            connection.execute(
                f"CREATE SCHEMA {schema}; {body.replace('public.', f'{schema}.')};"
                f"CREATE TABLE {schema}.alembic_version (version_num varchar(32) NOT NULL"
                " CONSTRAINT alembic_version_pkc PRIMARY KEY);"
                f"INSERT INTO {schema}.alembic_version VALUES ('{head}');"
                f"CREATE TABLE {schema}.migration_log (LIKE t_00000.migration_log INCLUDING ALL);"
                f"CREATE SEQUENCE {schema}.log_id; ALTER TABLE {schema}.migration_log ALTER id"
                f" SET DEFAULT nextval('{schema}.log_id');"
                f"ALTER SEQUENCE {schema}.log_id OWNED BY {schema}.migration_log.id".encode()
            )
        for number in range(count):
            bench.schema.append(f"t_{number:05}")
        connection.execute("VACUUM ANALYZE pg_catalog.pg_class, pg_catalog.pg_attribute")
        connection.execute("CHECKPOINT")
    return bench


def raw(bench: Bench, statement: str, *, concurrent: bool) -> float:
    """Do it with one connection and nothing else; return the seconds."""
    with psycopg.connect(bench.plain, autocommit=True) as connection:
        start = time.perf_counter()
        for schema in bench.schema:
            connection.execute(f"SET search_path = {schema}".encode())
            if concurrent:
                connection.execute(statement.encode())
            with connection.transaction():
                if not concurrent:
                    connection.execute(statement.encode())
                connection.execute("UPDATE alembic_version SET version_num = version_num")
                connection.execute(LOG.encode())
        return time.perf_counter() - start


def alone(bench: Bench, count: int) -> float:
    """Deploy to some tenants with one command each; return the seconds for one."""
    seconds = []
    for schema in bench.schema[:count]:
        url = f"{bench.url}?options={quote(f'-c search_path={schema}')}"
        command = (PYTHON, "-m", "migrator", "-c", "alembic_prod.ini", "deploy")
        flags = ("--no-backup", "--no-lint", "--no-verify")
        seconds.append(measured(bench, (*command, *flags), url).seconds)
    return statistics.median(seconds)


def rows(shop: Workshop, count: int, rounds: int, meanwhile: list[str]) -> list[str]:
    """Measure a fleet of this size; return the rows of the table.

    Args:
        meanwhile: gets those about requests under load.
    """
    bench = make(shop, count)
    found = []
    single: dict[str, float] = {}
    for title, upgrade, extra in CHANGES:
        ours, floor, last = [], [], None
        for number in range(rounds):
            name = f"{title.split()[0].lower()}{number}"
            bench.revision(name, upgrade.format(name=name), extra)
            last = bench.fleet("deploy", "--no-lint")
            ours.append(last.seconds)
            concurrent = "CONCURRENTLY" in title
            statement = RAW[title].replace("raw", f"raw{number}")
            floor.append(raw(bench, statement, concurrent=concurrent))
            undo = f"DROP INDEX ix_notes_raw{number}" if concurrent else (
                f"ALTER TABLE items DROP COLUMN raw{number}"
            )  # fmt: skip
            raw(bench, undo, concurrent=False)
        name = f"one_{title.split()[0].lower()}"
        bench.revision(name, upgrade.format(name=name), extra)
        single[title] = alone(bench, min(ALONE, count))
        bench.fleet("deploy", "--no-lint")
        seconds, base = statistics.median(ours), statistics.median(floor)
        assert last is not None
        found.append(
            f"| {count:,} schemas, {title} | {seconds:.1f} s | {base:.1f} s | {seconds / base:.1f}"
            f" | {single[title] * count:,.0f} s | {single[title] * count / seconds:.0f}"
            f" | {last.memory:.0f} MB | {last.connections} |"
        )
        print(found[-1], file=sys.stderr, flush=True)
    if count == fleet_under_load.TENANTS:
        meanwhile += [_under_load(bench, title, *rest) for title, *rest in CHANGES]
    nothing = statistics.median(bench.fleet("deploy").seconds for _ in range(max(rounds, 3)))
    found.append(f"| {count:,} schemas, nothing to do | {nothing:.1f} s | | | | | | |")
    print(found[-1], file=sys.stderr, flush=True)
    return found


def _under_load(bench: Bench, title: str, upgrade: str, extra: str) -> str:
    name = f"load_{title.split()[0].lower()}"
    bench.revision(name, upgrade.format(name=name), extra)
    found = fleet_under_load.row(
        title,
        Path(bench.shop.program("pgbench")).parent,
        bench.plain,
        lambda: bench.fleet("deploy", "--no-lint").seconds,
    )
    print(found, file=sys.stderr, flush=True)
    return found


HEADER = [
    "| what | fleet deploy | raw loop | ratio | one command each | times faster | memory |"
    " connections |",
    "| :-- | --: | --: | --: | --: | --: | --: | --: |",
]


def main() -> None:
    """Measure, and print the table; --readme puts it into README.md."""
    parser = argparse.ArgumentParser(description="Measure a deploy to many schemas.")
    parser.add_argument("--sizes", default="1000,10000", help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    lines = list(HEADER)
    meanwhile: list[str] = []
    with workshop() as shop:
        for size in map(int, options.sizes.split(",")):
            lines += rows(shop, size, options.rounds, meanwhile)
    if meanwhile:
        lines += ["", *fleet_under_load.HEADER, *meanwhile]
    print("\n".join(lines))
    print(
        f"\nn = {options.rounds}, medians; {os.cpu_count()} processors, which the server uses, too."
        f" One command each: measured with {ALONE} tenants, extrapolated."
    )
    if options.readme:
        begin, end = MARKERS
        readme = README.read_text("utf-8")
        if begin not in readme or end not in readme:
            sys.exit(f"README.md has no {begin} and {end}: put them where the table belongs.")
        pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
        body = "\n".join(lines)
        README.write_text(pattern.sub(lambda _: f"{begin}\n{body}\n{end}", readme), "utf-8")


if __name__ == "__main__":
    main()
