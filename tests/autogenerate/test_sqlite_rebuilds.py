"""Revisions by hand that rebuild a table of SQLite: what is in it stays, or is refused by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from migrator import catalog
from migrator.errors import MigratorError
from tests.autogenerate.changing import Workshop

pytestmark = pytest.mark.parametrize("workshop", ["sqlite"], indirect=True)

TABLE = """CREATE TABLE t (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    x {type},
    n VARCHAR(9) COLLATE NOCASE,
    u VARCHAR(9),
    CHECK (n <> ''),
    UNIQUE (u) ON CONFLICT IGNORE
)"""
SCHEMA = (
    TABLE.format(type="INTEGER")
    + """;
CREATE UNIQUE INDEX ix_lower ON t (lower(n));
CREATE INDEX ix_x ON t (x) WHERE x > 0;
CREATE TABLE log (x);
CREATE TRIGGER trg AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.x); END;
CREATE TABLE child (t INTEGER REFERENCES t (id) ON DELETE CASCADE);
INSERT INTO t (x, n, u) VALUES (1, 'a', 'a'), (2, 'b', 'b'), (3, 'c', 'c');
INSERT INTO child VALUES (1), (2);
DELETE FROM t WHERE id = 3;
"""
)
# Alembic's batch mode cannot rename a table that a view reads.
VIEW = "CREATE VIEW v AS SELECT x, n FROM t;"
REVISION = """
import sqlalchemy as sa
from migrator.operations import op

revision: str = "{name}"
down_revision: str | None = {before!r}


def upgrade():
    {body}


def downgrade():
    pass
"""
LOST = (
    "autoincrement of table t",
    "collation of column t.n",
    "constraint t.check (n <> '')",
    "on conflict of constraint t.unique (u) (ignore)",
    "index t.ix_lower",
    "trigger t.trg",
)
BATCH = """with op.batch_alter_table("t") as batch:
        batch.alter_column("x", type_=sa.String())"""


@pytest.fixture
def database(workshop: Workshop) -> Iterator[Workshop]:
    """A database with a table that has everything."""
    workshop.reset()
    workshop.script(SCHEMA)
    yield workshop


def revise(project: Workshop, *bodies: str) -> None:
    """Write revisions by hand, and apply them."""
    for number, body in enumerate(bodies):
        text = REVISION.format(
            name=f"r{number}", before=f"r{number - 1}" if number else None, body=body
        )
        (project.folder / f"migrations/versions/r{number}.py").write_text(text, "utf-8")
    project.upgrade()


def rebuild(table: str, more: str = "") -> str:
    return f'op.rebuild_table("t", {table!r}{more})'


def rows(project: Workshop, query: str) -> list[tuple[object, ...]]:
    return project.run(query)


def refused(project: Workshop, *bodies: str) -> str:
    """Apply revisions, and return why that fails; nothing has changed."""
    before, found = project.schema(), rows(project, "SELECT * FROM t")
    with pytest.raises(MigratorError) as error:
        revise(project, *bodies)
    assert catalog.diff(before, project.schema()) == []
    assert rows(project, "SELECT * FROM t") == found
    assert rows(project, "SELECT * FROM child") == [(1,), (2,)]
    return str(error.value)


def test_a_batch_operation_that_loses_something_is_refused_by_name(database: Workshop) -> None:
    said = refused(database, BATCH)
    assert [each for each in LOST if each not in said] == []
    assert "ix_x" not in said
    assert said.startswith("Revision r0 ")


def test_a_deploy_is_stopped_too(database: Workshop) -> None:
    before = database.schema()
    text = REVISION.format(name="r0", before=None, body=BATCH)
    (database.folder / "migrations/versions/r0.py").write_text(text, "utf-8")
    done = database.migrator("deploy")
    assert done.code == 1
    assert "would lose autoincrement of table t" in done.output
    assert catalog.diff(before, database.schema()) == []


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ('op.execute("DROP TRIGGER trg")', "", "trigger"),
        ('op.drop_index("ix_lower", "t")', "", "ix_lower"),
        ("", 'op.execute("CREATE UNIQUE INDEX ix_lower ON t (lower(n))")', "ix_lower"),
        ("", 'op.create_index("ix_lower", "t", [sa.text("lower(n)")])', "ix_lower"),
        ("", 'op.execute("CREATE TRIGGER trg AFTER INSERT ON t BEGIN SELECT 1; END")', "trigger"),
    ],
)
def test_what_a_revision_drops_by_name_or_makes_again_is_not_lost(
    database: Workshop, before: str, after: str, left: str
) -> None:
    body = "\n    ".join(filter(None, [before, BATCH, after]))
    said = refused(database, body)
    assert left not in said
    assert "autoincrement" in said


@pytest.mark.parametrize(
    "operation",
    [
        'batch.drop_index("ix_x")',
        'batch.add_column(sa.Column("y", sa.Integer))',
        'batch.create_index("ix_u", ["u"])',
    ],
)
def test_batch_operations_without_a_rebuild_are_as_before(
    database: Workshop, operation: str
) -> None:
    revise(database, f'with op.batch_alter_table("t") as batch:\n        {operation}')


@pytest.mark.parametrize(
    ("operation", "gone"),
    [
        ('batch.drop_constraint(op.f("small"), type_="check")', "constraint"),
        ('batch.drop_column("c")', "column"),
        ('batch.alter_column("c", type_=sa.String(9), nullable=False, server_default=None)', ""),
        ('batch.alter_column("c", new_column_name="d")', "column"),
        ('batch.create_unique_constraint("uq", ["c"])', ""),
        ('batch.create_foreign_key("fk_b", "t", ["a"], ["id"])', ""),
    ],
)
def test_what_a_batch_operation_names_may_go(workshop: Workshop, operation: str, gone: str) -> None:
    workshop.reset()
    workshop.script(
        "CREATE TABLE x (id INTEGER PRIMARY KEY);"
        "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, a INTEGER DEFAULT 5,"
        " c VARCHAR(5) DEFAULT 'x', CONSTRAINT small CHECK (a < 100),"
        " CONSTRAINT uq_a UNIQUE (a), CONSTRAINT fk_x FOREIGN KEY (a) REFERENCES x (id)"
        " ON DELETE SET NULL); CREATE INDEX ix_a ON t (a); INSERT INTO t (id) VALUES (1)"
    )
    before = workshop.schema()
    revise(workshop, f'with op.batch_alter_table("t") as batch:\n        {operation}')
    missing = {key.kind for key in before.objects.keys() - workshop.schema().objects.keys()}
    assert missing == ({gone} if gone else set())


def test_a_rebuild_in_sql_that_loses_indexes_and_triggers_is_refused(database: Workshop) -> None:
    said = refused(
        database,
        'op.execute("CREATE TABLE n (id INTEGER PRIMARY KEY, x TEXT, n TEXT, u TEXT)")\n'
        '    op.execute("INSERT INTO n SELECT * FROM t")\n'
        '    op.execute("DROP TABLE IF EXISTS t;")\n'
        '    op.execute("ALTER TABLE n RENAME TO t")',
    )
    assert "index t.ix_lower, index t.ix_x, trigger t.trg" in said


def test_a_rebuild_that_renames_the_old_table_first_is_no_other(database: Workshop) -> None:
    said = refused(
        database,
        'op.execute("ALTER TABLE t RENAME TO old")\n'
        '    op.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, n TEXT, u TEXT)")\n'
        '    op.execute("INSERT INTO t SELECT * FROM old")\n'
        '    op.execute("DROP TABLE old")',
    )
    assert "index t.ix_lower, index t.ix_x, trigger t.trg" in said


@pytest.mark.parametrize(
    "body",
    [
        'op.drop_table("t")',
        'op.drop_table("t")\n    op.create_table("t", sa.Column("id", sa.Integer))',
        'op.rename_table("t", "s")',
        'op.rename_table("t", "s")\n    op.rename_table("s", "t")',
        'op.rename_table("t", "s")\n    op.drop_table("s")',
    ],
)
def test_dropping_and_renaming_a_table_is_no_loss(database: Workshop, body: str) -> None:
    revise(database, body)


def test_a_rebuild_keeps_everything(database: Workshop) -> None:
    database.script(VIEW)
    before = database.schema()
    revise(database, rebuild(TABLE.format(type="VARCHAR")))
    found = catalog.diff(before, database.schema())
    assert [(each.key.name, each.property, each.after) for each in found] == [
        (("t", "x"), "type", "varchar")
    ]
    assert rows(database, "SELECT * FROM t") == [(1, "1", "a", "a"), (2, "2", "b", "b")]
    assert rows(database, "SELECT * FROM child") == [(1,), (2,)]
    database.script("INSERT INTO t (x, n, u) VALUES ('9', 'z', 'z'), ('9', 'y', 'z')")
    assert rows(database, "SELECT id, x FROM t WHERE id > 2") == [(4, "9")]
    assert rows(database, "SELECT x FROM log") == [(1,), (2,), (3,), ("9",)]
    assert rows(database, "SELECT count(*) FROM v") == [(3,)]


@pytest.mark.parametrize("enforced", [False, True])
def test_children_survive_where_the_application_enforces_foreign_keys(
    database: Workshop, enforced: bool
) -> None:
    """SQLAlchemy's recipe turns foreign keys on for all engines of the process."""
    import sqlalchemy as sa

    def enforce(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")

    if enforced:
        sa.event.listen(sa.Engine, "connect", enforce)
    try:
        revise(database, rebuild(TABLE.format(type="VARCHAR")))
    finally:
        if enforced:
            sa.event.remove(sa.Engine, "connect", enforce)
    assert rows(database, "SELECT * FROM child") == [(1,), (2,)]


PLAIN = "CREATE TABLE t (id INTEGER PRIMARY KEY, {})"
REFUSED = {
    "column": (rebuild(PLAIN.format("x INTEGER, n TEXT")), 'has no "u"'),
    "not_null": (
        rebuild(TABLE.format(type="INTEGER, y TEXT NOT NULL"), ", values={'y': None}"),
        "what they get in y",
    ),
    "not_null_unsaid": (rebuild(TABLE.format(type="INTEGER, y TEXT NOT NULL")), "NOT NULL"),
    "text_to_integer": (
        rebuild(TABLE.format(type="INTEGER").replace("n VARCHAR(9)", "n INTEGER")),
        "2 values of n would change, or would be none of type INTEGER",
    ),
    "index": (
        rebuild(PLAIN.format("x INTEGER, u TEXT"), ', drop=["n"]'),
        "index ix_lower does not fit the new table",
    ),
    "trigger": (
        'op.execute("DROP INDEX ix_x")\n    '
        'op.execute("DROP VIEW v")\n    ' + rebuild(PLAIN.format("n TEXT, u TEXT"), ', drop=["x"]'),
        "no such column: NEW.x",
    ),
    "view": (
        'op.execute("DROP INDEX ix_x")\n    '
        'op.execute("DROP TRIGGER trg")\n    '
        + rebuild(PLAIN.format("n TEXT, u TEXT"), ', drop=["x"]'),
        "the view v does not fit the new table",
    ),
    "rows": (
        rebuild(
            PLAIN.format("x INTEGER, n TEXT, u TEXT, o INTEGER DEFAULT 1 UNIQUE ON CONFLICT IGNORE")
        ),
        "1 of its 2 rows would be lost",
    ),
    "check": (rebuild(PLAIN.format("x INTEGER CHECK (x > 1), n TEXT, u TEXT")), "CHECK"),
    "foreign_key": (
        rebuild(PLAIN.format("x INTEGER REFERENCES log (rowid), n TEXT, u TEXT")).replace(
            "log (rowid)", "other"
        ),
        "foreign key",
    ),
    "another_table": (rebuild("CREATE TABLE other_one (a)"), "makes another table"),
    "no_table": ('op.rebuild_table("nix", "CREATE TABLE nix (a)")', "there is no such table"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rebuild_that_loses_something_changes_nothing(database: Workshop, name: str) -> None:
    database.script(VIEW + "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    body, why = REFUSED[name]
    assert why in refused(database, body)


@pytest.mark.parametrize(
    ("old", "values", "new", "lost"),
    [
        ("TEXT", "'7', '007', '1e3', NULL", "INTEGER", 2),
        ("TEXT", "'7', 'abc', '1.5'", "NUMERIC(8, 2)", 1),
        ("REAL", "1.5, 2.0", "INTEGER", 1),
        ("NUMERIC", "1.5, 2", "INTEGER", 1),
        ("REAL", "0.30000000000000004, 0.5", "TEXT", 1),
        ("INTEGER", "1, -9223372036854775808", "TEXT", 0),
        ("INTEGER", "1, 9007199254740993", "REAL", 1),
        ("INTEGER", "1, 0", "BOOLEAN", 0),
        ("TEXT", "'2026-01-01 00:00:00', NULL", "DATETIME", 0),
        ("TEXT", "x'31', 'a'", "BLOB", 0),
        ("VARCHAR(50)", "'long enough', ''", "VARCHAR(3)", 0),
        ("FLOAT", "1.0, 2.5", "NUMERIC(4, 2)", 0),
    ],
)
def test_values_that_a_new_type_changes_are_counted(
    workshop: Workshop, old: str, values: str, new: str, lost: int
) -> None:
    workshop.reset()
    every = ", ".join(f"({value})" for value in values.split(", "))
    workshop.script(
        f"CREATE TABLE t (c {old}); INSERT INTO t VALUES {every}; CREATE TABLE child (t);"
        "INSERT INTO child VALUES (1), (2)"
    )
    statement = f"CREATE TABLE t (c {new})"
    if lost:
        assert f"{lost} values of c would change" in refused(workshop, rebuild(statement))
        revise(workshop, rebuild(statement, ', lose=["c"]'))
    else:
        revise(workshop, rebuild(statement))
    assert rows(workshop, "SELECT count(*) FROM t") == [(len(values.split(", ")),)]


def test_a_rebuild_can_rename_and_fill_columns(database: Workshop) -> None:
    statement = TABLE.format(type="INTEGER").replace("u VARCHAR(9)", "w VARCHAR(9) NOT NULL")
    statement = statement.replace("UNIQUE (u)", "UNIQUE (w)")
    revise(database, rebuild(statement, ', drop=["u"], values={"w": sa.text("u || \'%s:x\'")}'))
    assert rows(database, "SELECT id, w FROM t") == [(1, "a%s:x"), (2, "b%s:x")]


def test_a_key_can_be_added(workshop: Workshop) -> None:
    workshop.reset()
    workshop.script("CREATE TABLE t (a, b); INSERT INTO t VALUES ('x', 1), ('y', 2)")
    revise(workshop, rebuild("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a, b)"))
    assert rows(workshop, "SELECT * FROM t") == [(1, "x", 1), (2, "y", 2)]


def test_a_virtual_table_is_nobodys_difference(workshop: Workshop) -> None:
    from tests.autogenerate.changing import table

    workshop.reset()
    workshop.models(table())
    assert workshop.revise().code == 0
    workshop.upgrade()
    (workshop.folder / "migrations/versions/search.py").write_text(
        REVISION.format(
            name="search",
            before=workshop.files()[-1].read_text("utf-8").split("revision: str = ")[1][1:13],
            body='op.execute("CREATE VIRTUAL TABLE docs USING fts5(body)")',
        ).replace("    pass", '    op.execute("DROP TABLE docs")'),
        "utf-8",
    )
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output


def test_on_a_connection_that_enforces_foreign_keys_it_is_refused(database: Workshop) -> None:
    import sqlalchemy as sa
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    import migrator.operations  # noqa: F401 - registers the operation

    engine = sa.create_engine(database.url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        op = Operations(MigrationContext.configure(connection))
        with pytest.raises(MigratorError, match="would delete rows of child"):
            op.rebuild_table("t", TABLE.format(type="TEXT"))  # type: ignore[attr-defined]
    engine.dispose()
    with closing(sqlite3.connect(str(database.url.database))) as connection:
        assert connection.execute("SELECT count(*) FROM child").fetchone() == (2,)
