"""What works on a shadow database proves it: env.py files that take their URL from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Renderer, Rendering
from tests.deploy.deploying import renamed

STOCK = """
from logging.config import fileConfig
from alembic import context
from sqlalchemy import create_engine, engine_from_config, pool

config = context.config


def offline():
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def online():
    connectable = {engine}
    with connectable.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    {online}
"""
ASYNC = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import async_engine_from_config, create_async_engine

config = context.config


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def online():
    connectable = {engine}
    async with connectable.connect() as connection:
        await connection.run_sync(migrate)
    await connectable.dispose()


if context.is_offline_mode():
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(online())
"""
SECTION = "config.get_section(config.config_ini_section, {})"
IGNORED = """def ignored():
    try:
        online()
    except Exception:
        pass


"""
HARD = 'create_engine("{real}", poolclass=pool.NullPool)'


def stock(engine: str, online: str = "online()") -> str:
    return STOCK.replace("{engine}", engine).replace("{online}", online)


# With {real} for the URL of a database that is not to be touched.
ELSEWHERE = {
    "hard-coded": stock(HARD),
    "pooled": stock('create_engine("{real}", pool_pre_ping=True)'),
    "own file": stock('create_engine((__import__("pathlib").Path("url.txt")).read_text())'),
    "own variable": stock('create_engine(__import__("os").environ["MY_URL"])'),
    "imported before": stock("create_engine(__import__('app.models.url', fromlist=['']).URL)"),
    "creator": stock(
        'create_engine("postgresql+psycopg://",'
        ' creator=lambda: __import__("psycopg").connect("{plain}"))'
    ),
    "other section": stock('engine_from_config({"sqlalchemy.url": "{real}"})'),
    "async": ASYNC.replace("{engine}", 'create_async_engine("{real}")'),
    "errors ignored": stock(HARD, "ignored()").replace("if context", f"{IGNORED}if context", 1),
}
NOT_AT_ALL = {
    "nothing": "from alembic import context\n",
    # A statement ahead of configure opens a transaction, which Alembic leaves to be rolled back.
    "no commit": stock(f"engine_from_config({SECTION}, poolclass=pool.NullPool)").replace(
        "        context.configure(connection",
        '        connection.exec_driver_sql("SELECT 1")\n        context.configure(connection',
    ),
}
# An env.py of another kind that can be made to work: the URL is in its config.
CONFIGURED = {
    "stock": stock(f'engine_from_config({SECTION}, prefix="sqlalchemy.", poolclass=pool.NullPool)'),
    "main option": stock('create_engine(config.get_main_option("sqlalchemy.url"))'),
    "environment at run time": stock('create_engine(__import__("os").environ["DATABASE_URL"])'),
    "attribute": stock(
        'config.attributes["connection"]',
    ).replace("with connectable.connect() as connection", "for connection in [connectable]"),
}
ASYNCHRONOUS = ASYNC.replace("{engine}", f"async_engine_from_config({SECTION})")

COMMANDS = ["trace base..head", "lint base..head", "snapshot", "squash -m start"]
STATE = (
    "SELECT string_agg(relname || xmin, ' ' ORDER BY oid) FROM pg_class WHERE relkind IN ('r','i')"
)
REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "more"
down_revision = "5f2c81d0a7e4"
branch_labels = depends_on = None


def upgrade() -> None:
    {own}
    op.add_column("teams", sa.Column("more", sa.Integer()))


def downgrade() -> None:
    op.drop_column("teams", "more")
"""


@dataclass
class Foreign:
    """A project with a real database `real`, which no command on a shadow database may touch."""

    project: Rendering
    url: str
    real: str
    text: dict[str, bytes]

    def use(self, env: str, revision: str = "pass") -> None:
        """Write env.py and the second revision, with the URLs of the real database."""
        for name, text in (("env.py", env), ("versions/more.py", REVISION.format(own=revision))):
            for key, url in (
                ("real", self.real.replace("://", "+psycopg://")),
                ("plain", self.real),
            ):
                text = text.replace(f"{{{key}}}", url)
            (self.project.path / "migrations" / name).write_text(text, encoding="utf-8")

    def restore(self) -> None:
        for path in (self.project.path / "migrations").rglob("*.py"):
            path.unlink()
        for name, text in self.text.items():
            (self.project.path / name).write_bytes(text)

    def state(self) -> list[object]:
        found: list[object] = []
        for url in (self.url, self.real):
            with psycopg.connect(url) as connection:
                found += connection.execute(STATE).fetchall()
        return found

    def files(self) -> dict[str, bytes]:
        kept = ("migrations/", "app/", "schema.sql")
        return {name: text for name, text in self.project.files().items() if name.startswith(kept)}


@pytest.fixture(scope="module")
def whole(renderer: Renderer) -> Iterator[Foreign]:
    with renderer.stopping():
        project = renderer.ready()
        url = project.database_url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE real_one")
        real = f"{url.rpartition('/')[0]}/real_one"
        with psycopg.connect(real) as connection:
            connection.execute("CREATE TABLE precious AS SELECT 1 AS x")
        (project.path / "url.txt").write_text(real.replace("://", "+psycopg://"))
        (project.path / "app/models/url.py").write_text(
            f'URL = "{real.replace("://", "+psycopg://")}"\n'
        )
        foreign = Foreign(project, url, real, {})
        foreign.text = foreign.files()
        yield foreign


@pytest.fixture
def foreign(whole: Foreign) -> Iterator[Foreign]:
    yield whole
    whole.restore()


def run(foreign: Foreign, command: str) -> tuple[int, str]:
    env = {"MY_URL": foreign.real.replace("://", "+psycopg://")}
    done = foreign.project.run(f".venv/bin/python -m migrator {command}", env=env)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_connection_elsewhere_is_refused(foreign: Foreign, kind: str, command: str) -> None:
    foreign.use(ELSEWHERE[kind])
    before, files = foreign.state(), foreign.files()
    code, said = run(foreign, command)
    assert code == 5, said
    assert "connects to the database real_one instead of the shadow database" in said
    assert "Traceback" not in said and "Proved" not in said and "finding" not in said
    assert (foreign.state(), foreign.files()) == (before, files)


@pytest.mark.parametrize("command", ["revision -m more", "drift"])
@pytest.mark.parametrize("kind", ["hard-coded", "imported before", "async", "errors ignored"])
def test_nothing_is_compared_or_written(foreign: Foreign, kind: str, command: str) -> None:
    test_a_connection_elsewhere_is_refused(foreign, kind, command)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", NOT_AT_ALL)
def test_revisions_that_did_not_run_are_no_proof(foreign: Foreign, kind: str, command: str) -> None:
    if command.startswith("lint") and kind == "nothing":
        pytest.skip("lint says already that env.py does not run them offline")
    foreign.use(NOT_AT_ALL[kind])
    before, files = foreign.state(), foreign.files()
    code, said = run(foreign, command)
    assert code == 5, said
    assert "env.py did not run the revisions on the shadow database" in said
    assert "Proved" not in said
    assert (foreign.state(), foreign.files()) == (before, files)


@pytest.mark.parametrize("kind", CONFIGURED)
def test_an_env_that_reads_its_configuration_works(foreign: Foreign, kind: str) -> None:
    foreign.use(CONFIGURED[kind])
    before = foreign.state()
    code, said = run(foreign, "trace more --json")
    assert code == 0, said
    assert "ALTER TABLE teams ADD COLUMN more" in said and "AccessExclusiveLock teams" in said
    for command in ("lint base..head", "snapshot", "squash -m start"):
        code, said = run(foreign, command)
        assert code == 0, said
    assert "more integer" in (foreign.project.path / "schema.sql").read_text(encoding="utf-8")
    assert foreign.state() == before


def test_an_asynchronous_env_works_where_statements_need_not_be_seen(foreign: Foreign) -> None:
    foreign.use(ASYNCHRONOUS)
    before = foreign.state()
    code, said = run(foreign, "trace more")
    assert code == 5 and "cannot be seen" in said, said
    for command in ("snapshot", "squash -m start"):
        code, said = run(foreign, command)
        assert code == 0, said
    assert foreign.state() == before


@pytest.mark.parametrize(
    "own",
    [
        'sa.create_engine("{real}").connect().exec_driver_sql("DROP TABLE precious")',
        'sa.create_engine("{real}").raw_connection().cursor().execute("DROP TABLE precious")',
        "import app.models.url as u; sa.create_engine(u.URL).begin().__enter__()",
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_revision_with_a_connection_of_its_own(foreign: Foreign, command: str, own: str) -> None:
    foreign.use(foreign.text["migrations/env.py"].decode(), own)
    before, files = foreign.state(), foreign.files()
    code, said = run(foreign, command)
    assert code == 5, said
    assert "connects to the database real_one" in said
    assert (foreign.state(), foreign.files()) == (before, files)


@pytest.mark.parametrize("kind", ["hard-coded", "own variable", "async"])
def test_baseline_stamps_nothing(foreign: Foreign, kind: str) -> None:
    foreign.use(ELSEWHERE[kind])
    for path in (foreign.project.path / "migrations/versions").glob("*.py"):
        path.unlink()
    with psycopg.connect(foreign.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS shops (id int PRIMARY KEY)")
    before, files = foreign.state(), foreign.files()
    code, said = run(foreign, "baseline -m start --yes --beside")
    assert code == 5, said
    assert "connects to the database real_one" in said
    assert (foreign.state(), foreign.files()) == (before, files)


def test_a_file_of_sqlite(renderer: Renderer) -> None:
    with renderer.stopping():
        project = renderer.ready(database="sqlite")
        real = project.path / "real.db"
        path = project.path / "migrations/env.py"
        own = path.read_text(encoding="utf-8")
        path.write_text(stock(f'create_engine("sqlite:///{real}")'), encoding="utf-8")
        more = project.path / "migrations/versions/more.py"
        more.write_text(REVISION.format(own="pass"), encoding="utf-8")
        for command in ("snapshot", "squash -m start"):
            done = project.run(f".venv/bin/python -m migrator {command}")
            assert done.returncode == 5, done.stdout + done.stderr
            assert f"connects to the database {real} instead" in done.stderr
            assert not real.exists() or real.stat().st_size == 0
        memory = 'sa.create_engine("sqlite://").connect().exec_driver_sql("SELECT 1")'
        path.write_text(own, encoding="utf-8")
        more.write_text(REVISION.format(own=memory), encoding="utf-8")
        done = project.run(".venv/bin/python -m migrator snapshot")
        assert done.returncode == 0, done.stderr


ADOPTED = """from alembic import context
from migrator import environment

environment.adopt(context.config)
"""
NAMED = """
from alembic import op

revision, down_revision = "one", None


def upgrade(engine_name: str) -> None:
    op.execute(f"CREATE TABLE of_{engine_name} (n int)")


def downgrade(engine_name: str) -> None:
    op.execute(f"DROP TABLE of_{engine_name}")
"""


def test_several_databases(whole: Foreign, tmp_path: Path) -> None:
    """Alembic's template multidb is adopted, and each database is deployed to with its own ini."""
    urls = {name: renamed(whole.url, name) for name in ("engine1", "engine2")}
    with psycopg.connect(whole.url, autocommit=True) as connection:
        for name in urls:
            connection.execute(f"CREATE DATABASE {name}")
    python = whole.project.path / ".venv/bin/python"

    def typed(command: str, **env: str) -> str:
        done = whole.project.run(f"{python} -m {command}", cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    typed("alembic init -t multidb migrations")
    ini = tmp_path / "alembic.ini"
    text = ini.read_text("utf-8")
    for name, old in (("engine2", "dbname2"), ("engine1", "dbname")):
        url = urls[name].replace("://", "+psycopg://")
        text = text.replace(f"driver://user:pass@localhost/{old}", url)
    ini.write_text(text, "utf-8")
    (tmp_path / "migrations/versions/one.py").write_text(NAMED, "utf-8")
    said = typed(f"migrator adopt --yes --dirty --shadow {whole.url}")
    assert "all revisions run on an empty shadow database" in " ".join(said.split())
    assert "env.py migrates engine1, engine2" in said
    prod = (tmp_path / "alembic_prod.ini").read_text("utf-8")
    for name, url in urls.items():
        own = f"[alembic]\nengine_name = {name}\n"
        (tmp_path / f"{name}.ini").write_text(prod.replace("[alembic]\n", own, 1), "utf-8")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE there AS SELECT 1 AS n")
        said = typed(f"migrator -c {name}.ini deploy --no-backup", DATABASE_URL=url)
        assert "no findings\n" in said and "applied one" in said
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'of_%'")
            assert found.fetchall() == [(f"of_{name}",)]


SHARED = """[shared]
script_location = %(here)s/migrations
version_locations = %(here)s/migrations/shared
version_table_schema = shared
"""


def test_a_history_of_shared_tables(whole: Foreign, tmp_path: Path) -> None:
    """An env.py that was adopted knows of one history; each has its version table nevertheless."""
    url = renamed(whole.url, "with_shared")
    with psycopg.connect(whole.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE with_shared")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA shared")
    python = whole.project.path / ".venv/bin/python"

    def typed(command: str) -> str:
        done = whole.project.run(f"{python} -m {command}", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    typed("alembic init migrations")
    ini, env = tmp_path / "alembic.ini", tmp_path / "migrations/env.py"
    text = ini.read_text("utf-8").replace("[alembic]\n", "[alembic]\nshared_history = shared\n", 1)
    driver = url.replace("://", "+psycopg://")
    ini.write_text(text.replace("driver://user:pass@localhost/dbname", driver) + SHARED, "utf-8")
    text = env.read_text("utf-8").replace("from alembic import context\n", ADOPTED, 1)
    env.write_text(text, "utf-8")
    (tmp_path / "migrations/shared").mkdir()
    for file, name in (("shared/s", "shared.plans"), ("versions/t", "own")):
        lines = [
            "from alembic import op",
            f"revision, down_revision = {file[-1]!r}, None",
            f"def upgrade(): op.execute('CREATE TABLE {name} (n int)')",
            f"def downgrade(): op.execute('DROP TABLE {name}')",
        ]
        (tmp_path / f"migrations/{file}.py").write_text("\n".join(lines), "utf-8")
    said = typed("migrator snapshot")
    assert "Wrote catalog-shared.txt and schema-shared.sql and catalog.txt and schema.sql" in said
    assert "No findings in 1 revision" in typed("migrator -n shared lint base..head")
    for section, heads in (("shared", "s"), ("alembic", "t")):
        typed(f"alembic -n {section} upgrade head")
        assert f"{heads} (head)" in typed(f"alembic -n {section} current")
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT version_num FROM shared.alembic_version").fetchall()
    assert found == [("s",)]
