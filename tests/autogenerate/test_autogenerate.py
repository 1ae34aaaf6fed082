"""What autogenerate writes, on a real PostgreSQL: nothing empty, no silent drop, whole enums."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Render, Renderer, Rendering

HEAD = """
import enum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey
"""
PET = """

class Mood(enum.Enum):
    happy = 1
    sad = 2


class Pet(Base):
    __tablename__ = "pets"

    id: Mapped[PrimaryKey]
    mood: Mapped[Mood]
    odd: Mapped[list[str]] = mapped_column(
        ARRAY(sa.Enum("a'b", "c:d", ":e", "f%g", "难", name="Odd Type"))
    )
"""
SHOP = """

class Shop(Base):
    __tablename__ = "shops"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(sa.String(50), server_default="corner")
"""


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    """One project with its server; each test starts from an empty database of its own."""
    with renderer.stopping():
        project = renderer.ready()
        renderer.serve(project)
        project.make("migrate")
        yield project


@pytest.fixture(autouse=True)
def clean(project: Rendering) -> Iterator[None]:
    yield
    for path in written(project):
        (project.path / path).unlink()
    (project.path / "app/models/extra.py").unlink(missing_ok=True)
    statements = (
        "UPDATE alembic_version SET version_num = $$5f2c81d0a7e4$$;"
        "DROP TABLE IF EXISTS foreign_table, pets, shops CASCADE;"
        'DROP TYPE IF EXISTS mood, "Odd Type", size'
    )
    sql(project, statements)


def written(project: Rendering) -> list[str]:
    """The revisions that a test has added, oldest first."""
    names = sorted(name for name in project.files() if "/versions/2" in name)
    return [name for name in names if "5f2c81d0a7e4" not in name]


def models(project: Rendering, *texts: str) -> None:
    (project.path / "app/models/extra.py").write_text(HEAD + "".join(texts), "utf-8")


def revise(project: Rendering, arguments: str = "") -> str:
    """Write a revision, which may be several files, and return its text."""
    before = set(written(project))
    project.make(f"revision m=step {arguments}")
    names = [name for name in written(project) if name not in before]
    assert names
    for check in ("check", "format --check"):
        done = project.run(f".venv/bin/ruff {check} {' '.join(names)}")
        assert done.returncode == 0, done.stdout
    return "".join(project.read(name) for name in names)


def round_trip(project: Rendering) -> None:
    """Up, down, up again, and then models and database agree."""
    project.make("upgrade")
    project.make("downgrade")
    project.make("upgrade")
    assert "No new upgrade operations" in project.run(".venv/bin/alembic check").stdout


def sql(project: Rendering, statement: str) -> str:
    """The rows that a statement gives, as text."""
    with psycopg.connect(project.database_url(), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return str(cursor.fetchall()) if cursor.description else ""


def types(project: Rendering) -> str:
    return sql(project, "SELECT typname FROM pg_type WHERE typcategory = $$E$$ ORDER BY 1")


def test_enum_types_come_and_go_with_their_table(project: Rendering) -> None:
    models(project, PET)
    text = revise(project)
    assert "op.execute(\"CREATE TYPE mood AS ENUM ('happy', 'sad')\")" in text
    assert 'op.execute("DROP TYPE mood")' in text
    round_trip(project)
    assert types(project) == "[('Odd Type',), ('mood',)]"
    (project.path / "app/models/extra.py").unlink()
    revise(project, "drop=pets")
    round_trip(project)
    assert types(project) == "[]"


def test_an_enum_column_on_an_existing_table(project: Rendering) -> None:
    models(project, SHOP)
    revise(project)
    project.make("migrate")
    column = '    size: Mapped[str | None] = mapped_column(sa.Enum("s", "l", name="size"))\n'
    models(project, SHOP, column)
    revise(project)
    round_trip(project)
    assert types(project) == "[('size',)]"
    models(project, SHOP)
    revise(project, "drop=shops.size")
    round_trip(project)
    assert types(project) == "[]"


def test_a_type_that_another_table_uses_stays(project: Rendering) -> None:
    column = '    size: Mapped[str | None] = mapped_column(sa.Enum("s", "l", name="size"))\n'
    pet = PET.split("    odd:")[0].replace("mood: Mapped[Mood]", column.strip())
    models(project, SHOP, column, pet)
    revise(project)
    round_trip(project)
    models(project, SHOP, column)
    assert "DROP TYPE" not in revise(project, "drop=pets")
    round_trip(project)


def test_a_new_enum_value(project: Rendering) -> None:
    models(project, PET)
    revise(project)
    project.make("migrate")
    models(project, PET.replace("    sad = 2", "    calm = 3\n    sad = 2"))
    assert "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'calm' AFTER 'happy'" in revise(project)
    round_trip(project)
    assert sql(project, "SELECT enum_range(NULL::mood)") == "[('{happy,calm,sad}',)]"


def test_new_enum_values_keep_their_order(project: Rendering) -> None:
    models(project, PET)
    revise(project)
    project.make("migrate")
    more = PET.replace("    happy = 1", "    fresh = 3\n    happy = 1\n    calm = 4\n    cross = 5")
    models(project, more.replace("    sad = 2", "    sad = 2\n    late = 6\n    later = 7"))
    assert "ADD VALUE IF NOT EXISTS 'fresh' BEFORE 'happy'" in revise(project)
    round_trip(project)
    wanted = "[('{fresh,happy,calm,cross,sad,late,later}',)]"
    assert sql(project, "SELECT enum_range(NULL::mood)") == wanted


def test_a_value_that_the_models_lost_is_said(project: Rendering) -> None:
    models(project, PET)
    revise(project)
    project.make("migrate")
    models(project, PET.replace("    sad = 2\n", ""))
    done = project.run("make revision m=step")
    assert done.returncode == 0
    assert "mood keeps 'sad'" in done.stderr
    assert len(written(project)) == 1


def test_nothing_to_do_writes_nothing(project: Rendering) -> None:
    done = project.run("make revision m=step")
    assert done.returncode == 0
    assert "none was written" in done.stdout
    assert written(project) == []


def test_a_drop_has_to_be_named(project: Rendering) -> None:
    models(project, SHOP, PET)
    revise(project)
    project.make("migrate")
    models(project, SHOP.replace("    name:", "    title:"))
    done = project.run("make revision m=step")
    assert done.returncode != 0
    assert "would drop pets, shops.name," in done.stderr
    assert 'make revision m="..." drop=pets,shops.name' in done.stderr
    assert len(written(project)) == 1
    done = project.run("make revision m=step drop=pets")
    assert "would drop shops.name," in done.stderr
    done = project.run("make revision m=step drop=pets,shops.name,shops.nmae")
    assert done.returncode != 0
    assert "drop=shops.nmae names nothing" in done.stderr
    assert len(written(project)) == 1
    assert "drop_table" in revise(project, "drop=pets,shops.name")
    round_trip(project)


def test_check_reports_a_drop_as_a_difference(project: Rendering) -> None:
    sql(project, "CREATE TABLE foreign_table (id int)")
    done = project.run(".venv/bin/alembic check")
    assert done.returncode != 0
    assert "remove_table" in done.stdout


def test_a_table_of_an_extension_is_left_alone(project: Rendering) -> None:
    sql(project, "CREATE TABLE foreign_table (id int)")
    sql(project, "CREATE EXTENSION citext")
    sql(project, "ALTER EXTENSION citext ADD TABLE foreign_table")
    try:
        assert "No new upgrade operations" in project.run(".venv/bin/alembic check").stdout
    finally:
        sql(project, "DROP EXTENSION citext CASCADE")


def test_a_changed_server_default_is_seen(project: Rendering) -> None:
    models(project, SHOP)
    revise(project)
    project.make("migrate")
    models(project, SHOP.replace("corner", "book"))
    assert "server_default" in revise(project)
    round_trip(project)


def test_the_naming_convention_holds_for_handwritten_revisions(project: Rendering) -> None:
    project.make("empty-revision m=by-hand")
    (name,) = written(project)
    text = (
        project.read(name)
        .replace(
            "    pass",
            '    op.create_table("shops", sa.Column("code", sa.Integer(), unique=True))',
            1,
        )
        .replace("    pass", '    op.drop_table("shops")')
    )
    (project.path / name).write_text(text, "utf-8")
    project.make("upgrade")
    found = sql(project, "SELECT conname FROM pg_constraint WHERE conrelid = $$shops$$::regclass")
    assert "uq_shops_code" in found


ELSEWHERE = """
revision, down_revision = "e1", "5f2c81d0a7e4"


def upgrade():
    op.create_table(
        "shops",
        sa.Column("code", sa.Integer(), primary_key=True),
        sa.Column("twin", sa.Integer(), sa.ForeignKey("shops.code"), unique=True),
        sa.CheckConstraint("code > 0"),
        sa.CheckConstraint("code < 9", name="ck_shops_code"),
    )
    op.create_check_constraint("small", "shops", "twin < 9")
    op.create_index(None, "shops", ["twin", "code"])


def downgrade():
    op.drop_table("shops")
"""


def test_no_naming_convention_for_revisions_written_elsewhere(project: Rendering) -> None:
    path = project.path / "migrations/versions/2_elsewhere.py"
    path.write_text("import sqlalchemy as sa\nfrom alembic import op\n" + ELSEWHERE, "utf-8")
    written = project.make("sql")
    project.make("upgrade")
    found = sql(
        project,
        "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint"
        " WHERE conrelid = $$shops$$::regclass AND contype <> $$n$$",
    )
    own = "ck_shops_code shops_code_check shops_pkey shops_twin_fkey shops_twin_key small"
    assert own in found
    assert "ck_shops_small" not in written
    # The project's own revisions have a phase, and the convention.
    path.write_text(path.read_text("utf-8") + 'phase = "expand"\n', "utf-8")
    project.make("downgrade")
    refused = project.run("make upgrade")
    assert "Naming convention including %(constraint_name)s" in refused.stderr + refused.stdout


def test_revisions_must_not_import_the_application(project: Rendering) -> None:
    project.make("empty-revision m=by-hand")
    (name,) = written(project)
    text = project.read(name).replace(
        "import sqlalchemy", "from app.models.user import User\nimport sqlalchemy"
    )
    (project.path / name).write_text(text, "utf-8")
    done = project.run("make lint")
    assert done.returncode != 0
    assert "must not import the application" in done.stdout


def test_sqlite_writes_plain_columns(ready: Render) -> None:
    project = ready(database="sqlite")
    project.make("migrate")
    models(project, PET.split("    odd:")[0])
    text = revise(project)
    assert "sa.Enum(" in text
    assert "TYPE" not in text
    round_trip(project)


def test_types_of_the_application_and_of_libraries(project: Rendering) -> None:
    """A decorator is written as what it stores; a type from outside any package is SQL."""
    (project.path / "library_type.py").write_text(
        "from sqlalchemy.types import UserDefinedType\n\n\n"
        "class Point(UserDefinedType):\n"
        "    cache_ok = True\n\n"
        "    def get_col_spec(self, **_):\n        return 'point'\n",
        "utf-8",
    )
    decorator = (
        "\n\nfrom library_type import Point\n\n\n"
        "class Lower(sa.TypeDecorator):\n    impl = sa.String\n    cache_ok = True\n"
    )
    columns = (
        "    code: Mapped[str] = mapped_column(Lower(20))\n"
        "    tags: Mapped[list[str]] = mapped_column(ARRAY(Lower(20)))\n"
        "    place: Mapped[str | None] = mapped_column(Point())\n"
    )
    try:
        models(project, decorator, SHOP, columns)
        text = revise(project)
        assert 'sa.Column("code", sa.String(length=20), nullable=False)' in text
        assert "postgresql.ARRAY(sa.String(length=20))" in text
        assert "library_type" not in text
        assert 'sa.Column("place", RawType("point"), nullable=True)' in text
        round_trip(project)
    finally:
        (project.path / "library_type.py").unlink()


DECORATORS = """
from sqlalchemy.dialects import postgresql


class GUID(sa.TypeDecorator):
    impl = sa.CHAR
    cache_ok = True

    def load_dialect_impl(self, dialect):
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID())
        return dialect.type_descriptor(sa.CHAR(36))


class Document(sa.TypeDecorator):
    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect):
        here = postgresql.JSONB() if dialect.name == "postgresql" else sa.JSON()
        return dialect.type_descriptor(here)


class Varying(sa.TypeDecorator):
    impl = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    cache_ok = True


class Size(sa.TypeDecorator):
    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect):
        return sa.Enum("s", "l", name="size")
"""
DECORATED = """
    guid: Mapped[str] = mapped_column(GUID())
    guids: Mapped[list[str] | None] = mapped_column(ARRAY(GUID()))
    document: Mapped[dict[str, str]] = mapped_column(Document())
    varying: Mapped[dict[str, str]] = mapped_column(Varying())
    other: Mapped[str] = mapped_column(GUID().with_variant(sa.String(40), "postgresql"))
    size: Mapped[str] = mapped_column(Size())
"""


def test_a_decorator_that_chooses_by_database(project: Rendering) -> None:
    """It is what CREATE TABLE would have; the driver's own varieties of types have no import."""
    models(project, DECORATORS, SHOP, DECORATED)
    text = revise(project)
    for column in (
        '"guid", sa.UUID(), nullable=False',
        '"guids", postgresql.ARRAY(sa.UUID()), nullable=True',
        '"document", postgresql.JSONB(astext_type=sa.Text()), nullable=False',
    ):
        assert f"sa.Column({column})" in text
    assert "with_variant" not in text  # the project has no other database
    assert 'sa.Column("varying", postgresql.JSONB(astext_type=sa.Text()), nullable=False)' in text
    assert 'sa.Column("other", sa.String(length=40), nullable=False)' in text
    assert 'sa.Column("id", sa.BigInteger(), nullable=False)' in text
    assert "CREATE TYPE size AS ENUM" in text
    round_trip(project)
    kinds = "SELECT data_type FROM information_schema.columns WHERE table_name = $$shops$$"
    found = sql(project, f"{kinds} AND column_name IN ($$guid$$, $$document$$, $$varying$$)")
    assert sorted(re.findall(r"\w+", found)) == ["jsonb", "jsonb", "uuid"]


def test_a_decorator_on_sqlite(ready: Render) -> None:
    project = ready(database="sqlite")
    project.make("migrate")
    models(project, DECORATORS, SHOP, DECORATED.replace("    guids", "    # guids"))
    text = revise(project)
    assert 'sa.Column("guid", sa.CHAR(length=36), nullable=False)' in text
    assert 'sa.Column("document", sqlite.JSON(), nullable=False)' in text
    round_trip(project)


def test_a_schema_of_its_own(project: Rendering) -> None:
    """The schema is made, its tables are compared, and a drop there has to be named too."""
    table = '    __tablename__ = "shops"\n    __table_args__ = ({"schema": "audit"},)\n'
    shop = SHOP.replace('    __tablename__ = "shops"\n', table)
    other = shop.replace("Shop", "Other").replace('"shops"', '"others"')
    try:
        models(project, shop, other)
        assert 'op.execute("CREATE SCHEMA audit")' in revise(project)
        round_trip(project)
        models(project, other)
        done = project.run("make revision m=step")
        assert "would drop audit.shops," in done.stderr
        assert "drop_table" in revise(project, "drop=audit.shops")
        round_trip(project)
    finally:
        sql(project, "DROP SCHEMA IF EXISTS audit CASCADE")


def test_a_new_enum_value_may_be_used_in_the_same_change(project: Rendering) -> None:
    models(project, PET)
    revise(project)
    project.make("migrate")
    more = PET.replace("    sad = 2", "    sad = 2\n    calm = 3")
    column = '    other: Mapped[Mood] = mapped_column(server_default="calm")\n'
    models(project, more, column)
    assert "autocommit_block" in revise(project)
    round_trip(project)


def test_an_enum_in_the_default_schema_by_name(project: Rendering) -> None:
    column = (
        '    size: Mapped[str | None] = mapped_column(sa.Enum("s", name="size", schema="public"))\n'
    )
    models(project, SHOP, column)
    revise(project)
    project.make("upgrade")
    first = set(written(project))
    project.make("revision m=again")
    again = [project.read(name) for name in set(written(project)) - first]
    assert [text for text in again if "CREATE TYPE" in text] == []


def test_one_revision_for_two_tables_in_use_is_no_finding(project: Rendering) -> None:
    """Written by hand it is one; what is written here says why it is none."""
    models(project, SHOP, PET)
    revise(project)
    before = written(project)
    more = "    more: Mapped[str | None]\n"
    models(project, SHOP + more, PET + more)
    revise(project)
    (path,) = set(written(project)) - set(before)  # of one minute, names are in no order
    text = project.read(path)
    comment = next(line for line in text.splitlines() if line.startswith("# migrator: allow "))
    assert "locking-several-tables because" in comment
    lint = ".venv/bin/python -m migrator lint head"
    assert project.run(lint).returncode == 0
    (project.path / path).write_text(text.replace(f"{comment}\n", ""), "utf-8")
    done = project.run(lint)
    assert done.returncode == 5
    assert "locking-several-tables" in done.stdout
