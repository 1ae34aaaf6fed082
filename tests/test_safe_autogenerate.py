"""What autogenerate writes for tables that are in use, and that it can be applied beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Renderer, Rendering

MODELS = '''"""Models of this test."""

import decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey


class Shop(Base):
    __tablename__ = "shops"
    __table_args__ = ({arguments})

    id: Mapped[PrimaryKey]
    {columns}


class Town(Base):
    __tablename__ = "towns"

    id: Mapped[PrimaryKey]
    name: Mapped[str]
'''
BEFORE = [
    "name: Mapped[str | None] = mapped_column(sa.String(50))",
    "town: Mapped[int | None] = mapped_column(sa.Integer())",
    "street: Mapped[str | None] = mapped_column(index=True)",
    "code: Mapped[str | None] = mapped_column(unique=True)",
]
ROWS = "INSERT INTO shops (name, town, street) SELECT 'n', 1, 's' FROM generate_series(1, 50)"


class Project:
    """A rendering with the tables above, at the revision `first`."""

    def __init__(self, rendering: Rendering) -> None:
        self.rendering = rendering
        self.folder = rendering.path / "migrations/versions"
        rendering.make("db-start")
        self.url = rendering.make("-s db-url").strip().replace("+psycopg", "")
        self.models(*BEFORE)
        self.alembic("upgrade head")
        self.alembic("revision --autogenerate -m first")
        self.alembic("upgrade head")
        self.first = self.files()
        head = rendering.run(".venv/bin/alembic heads").stdout.split()[0]
        self.head = head

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.py"))

    def alembic(self, goal: str) -> str:
        done = self.rendering.run(f".venv/bin/alembic {goal}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def models(self, *columns: str, arguments: str = "") -> None:
        text = MODELS.format(columns="\n    ".join(columns), arguments=arguments)
        (self.rendering.path / "app/models/shop.py").write_text(text, "utf-8")

    def revise(self, arguments: str = "") -> dict[str, str]:
        """Write what changed; the texts of the revisions by phase, in the order of the names."""
        self.alembic(f"{arguments} revision --autogenerate -m step")
        names = [name for name in self.files() if name not in self.first]
        paths = " ".join(f"migrations/versions/{name}" for name in names)
        for check in ("ruff check", "ruff format --check"):
            done = self.rendering.run(f".venv/bin/{check} {paths}")
            assert done.returncode == 0, done.stdout
        texts = [(self.folder / name).read_text("utf-8") for name in names]
        found = {re.findall(r'^phase: str = "(\w+)"$', text, re.M)[0]: text for text in texts}
        assert len(found) == len(names)
        before = self.head
        for text in texts:  # the order of the names is the order of the chain
            assert f'down_revision: str | Sequence[str] | None = "{before}"' in text
            before = re.findall(r'^revision: str = "(\w+)"$', text, re.M)[0]
        return found

    def run(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def types(self) -> None:
        done = self.rendering.run(".venv/bin/mypy migrations")
        assert done.returncode == 0, done.stdout

    def round_trip(self) -> None:
        """Up with rows in the tables, down, up again; then models and database agree."""
        self.run(ROWS)
        self.alembic("upgrade head")
        assert "No new upgrade" in self.alembic("check")
        self.alembic(f"downgrade {self.head}")
        self.alembic("upgrade head")
        assert "No new upgrade" in self.alembic("check")


@pytest.fixture(scope="module")
def shared(renderer: Renderer) -> Iterator[Project]:
    with renderer.stopping():
        yield Project(renderer.ready())


@pytest.fixture
def project(shared: Project) -> Iterator[Project]:
    yield shared
    done = shared.rendering.run(f".venv/bin/alembic downgrade {shared.head}")
    for name in shared.files():
        if name not in shared.first:
            (shared.folder / name).unlink()
    shared.run("DELETE FROM shops")
    assert done.returncode == 0, done.stderr


def changed(place: int, column: str) -> list[str]:
    """The columns as they were, but one."""
    return [column if number == place else each for number, each in enumerate(BEFORE)]


def test_an_index_is_one_online_revision(project: Project) -> None:
    index = (
        'sa.Index("ix_shops_lower", sa.text("lower(name)"), postgresql_where=sa.text("town > 1")),'
    )
    project.models(*changed(0, BEFORE[0][:-1] + ", index=True)"), arguments=index)
    found = project.revise()
    assert list(found) == ["online"]
    text = found["online"]
    assert 'op.create_index_concurrently(op.f("ix_shops_name"), "shops", ["name"])' in text
    assert 'op.drop_index_concurrently(op.f("ix_shops_name"), "shops")' in text
    assert "###" not in text
    assert "from alembic import op" not in text
    project.types()
    project.round_trip()
    assert project.run("SELECT 1 FROM pg_index WHERE NOT indisvalid") == []


def test_constraints_are_validated_apart(project: Project) -> None:
    project.models(
        *changed(1, 'town: Mapped[int | None] = mapped_column(sa.ForeignKey("towns.id"))'),
        arguments='sa.UniqueConstraint("name", "id"),',
    )
    done = project.rendering.run("make revision m=step")
    assert done.returncode != 0  # int becomes bigint with the foreign key
    assert "rewrite=shops.town" in done.stdout
    project.models(
        *changed(1, BEFORE[1].replace("sa.Integer()", 'sa.Integer(), sa.ForeignKey("towns.id")')),
        arguments='sa.UniqueConstraint("name", "id"),',
    )
    found = project.revise()
    assert list(found) == ["online"]
    assert "op.add_foreign_key_validated(" in found["online"]
    assert "op.add_unique_concurrently(" in found["online"]
    project.run("INSERT INTO towns (id, name) VALUES (1, 'x')")
    project.round_trip()
    assert project.run("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
    project.run(
        "UPDATE shops SET town = NULL; DELETE FROM towns; ALTER SEQUENCE towns_id_seq RESTART"
    )


def test_a_new_not_null_column_with_a_python_default(project: Project) -> None:
    project.models(*BEFORE, "stars: Mapped[int] = mapped_column(sa.Integer(), default=3)")
    found = project.revise()
    assert list(found) == ["expand", "online", "contract"]
    assert 'sa.Column("stars", sa.Integer(), nullable=True)' in found["expand"]
    assert 'op.backfill("shops", {"stars": 3}, key="id")' in found["online"]
    assert "set_not_null" not in found["online"]
    assert 'op.backfill("shops", {"stars": 3}, key="id")' in found["contract"]
    assert 'op.set_not_null("shops", "stars")' in found["contract"]
    project.types()
    project.round_trip()
    assert project.run("SELECT DISTINCT stars FROM shops") == [(3,)]


def test_a_new_not_null_column_that_nobody_has_a_value_for(project: Project) -> None:
    project.models(*BEFORE, "owner: Mapped[str]")
    found = project.revise()
    assert "# Decide what the rows that are there get" in found["online"]
    project.run(ROWS)
    done = project.rendering.run(".venv/bin/alembic upgrade head")
    assert done.returncode == 1
    assert "shops has rows, and the revision does not say what they get in owner" in done.stdout
    for name in project.files():
        path = project.folder / name
        text = path.read_text("utf-8")
        path.write_text(text.replace('{"owner": None}', '{"owner": sa.text("name || \'!\'")}'))
    project.round_trip()
    assert project.run("SELECT DISTINCT owner FROM shops") == [("n!",)]


def test_a_default_that_differs_from_row_to_row(project: Project) -> None:
    project.models(
        *BEFORE,
        "token: Mapped[str] = mapped_column(sa.UUID(), server_default=sa.func.gen_random_uuid())",
        "since: Mapped[str] = mapped_column(sa.DateTime(), server_default=sa.func.now())",
        'kind: Mapped[str] = mapped_column(sa.String(9), server_default="shop")',
    )
    found = project.revise()
    assert list(found) == ["expand", "online"]
    assert 'sa.Column("token", sa.UUID(), nullable=True)' in found["expand"]
    assert "since" not in found["online"]
    assert "kind" not in found["online"]
    assert 'sa.text("gen_random_uuid()")' in found["online"]
    assert 'op.set_not_null("shops", "token")' in found["online"]
    file = "SELECT pg_relation_filenode('shops')"
    before = project.run(file)
    project.round_trip()
    assert project.run(file) == before  # it was never rewritten
    assert project.run("SELECT count(DISTINCT token) FROM shops") == [(50,)]


def test_not_null_is_the_contract(project: Project) -> None:
    project.models(*changed(0, "name: Mapped[str] = mapped_column(sa.String(70))"))
    found = project.revise()
    assert list(found) == ["expand", "contract"]
    assert "type_=sa.String(length=70)" in found["expand"]
    assert 'op.set_not_null("shops", "name")' in found["contract"]
    project.round_trip()


@pytest.mark.parametrize(
    ("place", "kind", "rewrites"),
    [
        (0, "str | None] = mapped_column(sa.String(20))", True),
        (0, "str | None] = mapped_column(sa.String(70))", False),
        (0, "str | None] = mapped_column(sa.Text())", False),
        (1, "int | None] = mapped_column(sa.BigInteger())", True),
    ],
)
def test_types_that_rewrite_the_table_have_to_be_named(
    project: Project, place: int, kind: str, rewrites: bool
) -> None:
    column = BEFORE[place].split(":")[0]
    project.models(*changed(place, f"{column}: Mapped[{kind}"))
    if not rewrites:
        assert list(project.revise()) == ["expand"]
        return
    name = f"shops.{column}"
    done = project.rendering.run("make revision m=step")
    assert done.returncode == 2
    assert "Error 5" in done.stderr
    assert f"This revision would change {name}" in done.stdout
    assert "add a column of the new type" in done.stdout
    done = project.rendering.run("make revision m=step rewrite=shops.nmae")
    assert "rewrite=shops.nmae names nothing" in done.stdout
    assert project.files() == project.first
    found = project.revise(f"-x rewrite={name}")
    assert list(found) == ["contract"]
    assert "# PostgreSQL rewrites shops for this" in found["contract"]
    project.round_trip()


def test_drops_are_the_contract(project: Project) -> None:
    """An index goes online; what ON CONFLICT may need stays until the old code is gone."""
    project.models(BEFORE[0], BEFORE[1])
    found = project.revise("-x drop=shops.street,shops.code")
    assert list(found) == ["online", "contract"]
    assert "op.drop_index_concurrently(" in found["online"]
    assert "uq_shops_code" not in found["online"]
    for part in ('op.drop_constraint(op.f("uq_shops_code")', 'op.drop_column("shops", "street")'):
        assert part in found["contract"]
    project.round_trip()


def test_a_constraint_that_changes_under_its_name(project: Project) -> None:
    column = BEFORE[1].replace(
        "sa.Integer()", 'sa.Integer(), sa.ForeignKey("towns.id", ondelete="CASCADE")'
    )
    project.models(*changed(1, column.replace(', ondelete="CASCADE"', "")))
    project.revise()
    project.run("INSERT INTO towns (id, name) VALUES (1, 'x')")
    project.alembic("upgrade head")
    before = project.files()
    project.models(*changed(1, column))
    project.alembic("revision --autogenerate -m again")
    (name,) = set(project.files()) - set(before)
    text = (project.folder / name).read_text("utf-8")
    assert text.index("drop_constraint_if_exists") < text.index("add_foreign_key_validated")
    project.round_trip()
    query = "SELECT confdeltype::text FROM pg_constraint WHERE conname = 'fk_shops_town_towns'"
    assert project.run(query) == [("c",)]
    project.run("DELETE FROM towns")


def test_a_new_table_stays_plain(project: Project) -> None:
    path = project.rendering.path / "app/models/another.py"
    project.models(*BEFORE)
    text = (
        MODELS[: MODELS.index("class Town")].replace("shops", "markets").replace("Shop", "Market")
    )
    columns = """name: Mapped[str] = mapped_column(index=True)
    town: Mapped[int] = mapped_column(sa.ForeignKey("towns.id"))"""
    path.write_text(text.format(columns=columns, arguments=""), "utf-8")
    try:
        found = project.revise()
        assert list(found) == ["expand"]
        assert "concurrently" not in found["expand"]
        assert "from alembic import op" in found["expand"]
        project.round_trip()
    finally:
        path.unlink()


def test_one_line_turns_it_off(project: Project) -> None:
    ini = project.rendering.path / "alembic.ini"
    text = ini.read_text("utf-8")
    project.models(*changed(0, "name: Mapped[str] = mapped_column(sa.String(20), index=True)"))
    try:
        ini.write_text(text.replace("lock_safe = true", "lock_safe = false"), "utf-8")
        found = project.revise()
        assert list(found) == ["expand"]
        assert "op.create_index(" in found["expand"]
        assert "nullable=False" in found["expand"]
        project.round_trip()
        ini.write_text(text.replace("lock_safe = true", "lock_safe = maybe"), "utf-8")
        done = project.rendering.run(".venv/bin/alembic revision --autogenerate -m x")
        assert "lock_safe in the ini is true or false, not 'maybe'" in done.stdout
    finally:
        ini.write_text(text, "utf-8")


def test_a_name_of_the_revision_that_was_asked_for(project: Project) -> None:
    project.models(*BEFORE, "stars: Mapped[int] = mapped_column(sa.Integer(), default=3)")
    done = project.rendering.run(".venv/bin/alembic revision --autogenerate -m x --rev-id 0007")
    assert done.returncode == 0, done.stderr
    names = [name for name in project.files() if name not in project.first]
    assert [re.findall(r"-(\w+?)_x_(\w+)\.py", name)[0] for name in names] == [
        ("0007", "expand"),
        ("0007b", "online"),
        ("0007c", "contract"),
    ]


def test_alembic_check_sees_everything(project: Project) -> None:
    """Called by a program too, which has no command line to be known by."""
    project.models(*BEFORE, "stars: Mapped[int] = mapped_column(sa.Integer(), default=3)")
    code = (
        "from alembic import command; from alembic.config import Config\n"
        "try: command.check(Config('alembic.ini'))\n"
        "except Exception as error: print(error)\n"
    )
    (project.rendering.path / "checks.py").write_text(code, "utf-8")
    for goal in (".venv/bin/alembic check", ".venv/bin/python checks.py"):
        done = project.rendering.run(goal)
        assert "New upgrade operations detected" in done.stdout + done.stderr
        assert "stars" in done.stdout + done.stderr
    assert project.files() == project.first
