"""Moments at which a deploy is hard, and what goes on around it."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import psycopg
from psycopg.errors import UniqueViolation

from benchmarks.underload.server import Server

ADD = 'op.add_column("accounts", sa.Column("extra{}", sa.String(50)))'
OPERATIONS = "from migrator.operations import op as ours\n    "
READERS, READ = 12, 0.45  # seconds
WRITERS = 4
STANDBY = {"synchronous_commit": "on", "synchronous_standby_names": "nobody"}
UPSERT = """INSERT INTO accounts (id, balance, branch_id, code) VALUES (%s, 0, 1, %s)
ON CONFLICT (code) DO UPDATE SET balance = accounts.balance + 1"""
INSERT = "INSERT INTO accounts (id, balance, branch_id, code) VALUES (%s, 0, 1, %s)"

Around = Callable[[Server], AbstractContextManager[Callable[[], str]]]


def nothing(server: Server) -> AbstractContextManager[Callable[[], str]]:
    """Nothing goes on, and there is nothing to say of it."""
    return nullcontext(lambda: "")


@dataclass(frozen=True)
class Moment:
    """A moment: `words` in the table, and the revisions that are deployed in it.

    `around` is what goes on meanwhile, and gives what is to be said of it in the end. `before` is
    SQL for the database. `alone` is one statement that does the same, for comparison. `options` are
    those of the load's sessions. `explains` says what an exit code means that is not 0.
    """

    words: str
    bodies: tuple[str, ...]
    around: Around = nothing
    before: str = ""
    alone: str = ""
    options: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    explains: dict[int, str] = field(default_factory=dict)


@contextmanager
def standby_hangs(server: Server) -> Iterator[Callable[[], str]]:
    """A synchronous standby is configured, and is not there."""
    # The development server does not wait for its own disk either.
    for setting, value in STANDBY.items():
        server.run(f"ALTER SYSTEM SET {setting} = '{value}'")
    server.run("SELECT pg_reload_conf()")
    try:
        yield lambda: ""
    finally:
        for setting in STANDBY:
            server.run(f"ALTER SYSTEM RESET {setting}")
        server.run("SELECT pg_reload_conf()")


@contextmanager
def readers_overlap(server: Server) -> Iterator[Callable[[], str]]:
    """At each moment several statements read the table, each for less than half a second."""
    over = threading.Event()

    def read(number: int) -> None:
        time.sleep(number * READ / READERS)
        with psycopg.connect(server.plain, autocommit=True) as connection:
            while not over.is_set():
                connection.execute(f"SELECT pg_sleep({READ}) FROM accounts LIMIT 1")

    with _threads(read, READERS, over):
        yield lambda: f"{READERS} readers"


@contextmanager
def unrelated_transaction(server: Server) -> Iterator[Callable[[], str]]:
    """A transaction holds a lock on another table, for as long as the deploy takes."""
    with psycopg.connect(server.plain, application_name="unrelated") as connection:
        connection.execute("LOCK TABLE branches IN ROW EXCLUSIVE MODE")
        time.sleep(5)  # older than blocker_age
        yield lambda: ""
        connection.rollback()


@contextmanager
def writers_of_one_key(server: Server) -> Iterator[Callable[[], str]]:
    """Writers insert what is there already: once with ON CONFLICT, once to be refused."""
    over, numbers = threading.Event(), itertools.count(10_000_000)
    accepted: list[int] = []
    failed: list[str] = []

    def write(number: int) -> None:
        with psycopg.connect(server.plain, autocommit=True) as connection:
            while not over.is_set():
                key = next(numbers)
                code = f"c{1 + key % 1000}"
                try:
                    connection.execute(UPSERT, (key, code))
                except psycopg.Error as error:
                    failed.append(str(error))
                try:
                    connection.execute(INSERT, (next(numbers), code))
                    accepted.append(key)
                except UniqueViolation:
                    pass
                time.sleep(0.01)

    with _threads(write, WRITERS, over):
        yield lambda: f"duplicates accepted: {len(accepted)}; failed ON CONFLICT: {len(failed)}"


@contextmanager
def _threads(target: Callable[[int], None], count: int, over: threading.Event) -> Iterator[None]:
    threads = [threading.Thread(target=target, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


MOMENTS = (
    Moment(
        "a synchronous standby that hangs: add column",
        (ADD.format(""),),
        standby_hangs,
        options="-c synchronous_commit=local",
        settings={"MIGRATOR_STANDBY_TIMEOUT": "5"},
        explains={1: "committed, not confirmed within `standby_timeout`"},
    ),
    Moment("overlapping readers of 0.45 s: add column", (ADD.format(""),), readers_overlap),
    Moment(
        "30 revisions behind an unrelated old transaction",
        tuple(ADD.format(number) for number in range(30)),
        unrelated_transaction,
    ),
    Moment(
        "the swap of a unique index under writers",
        (
            f'{OPERATIONS}ours.replace_index("uq_code", "accounts",'
            ' "USING btree (code) INCLUDE (region)", unique=True)\n\n\ntransactional = False',
        ),
        writers_of_one_key,
        before="CREATE UNIQUE INDEX uq_code ON accounts (code)",
    ),
    Moment(
        "a backfill of all rows",
        (f'{OPERATIONS}ours.backfill("accounts", {{"stars": 1}})\n\n\ntransactional = False',),
        before="ALTER TABLE accounts ADD stars integer",
        alone="UPDATE accounts SET stars = 1",
    ),
)
