"""Operations describe themselves: how they are written, reverted and found."""

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.operations import MigrateOperation, Operations, ops

from migrator import operations
from migrator.autogenerate.replacements import Definition, replace
from migrator.catalog import Key
from migrator.operations.add_check_validated import AddCheckValidatedOp
from migrator.operations.add_foreign_key_validated import AddForeignKeyValidatedOp
from migrator.operations.add_unique_concurrently import AddUniqueConcurrentlyOp
from migrator.operations.backfill import BackfillOp
from migrator.operations.create_index_concurrently import CreateIndexConcurrentlyOp
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.drop_dependents import DropDependentsOp
from migrator.operations.drop_index_concurrently import DropIndexConcurrentlyOp
from migrator.operations.operation import Operation
from migrator.operations.rebuild_table import RebuildTableOp
from migrator.operations.replace_column import ReplaceColumnOp
from migrator.operations.restore_dependents import RestoreDependentsOp
from migrator.operations.set_identity import SetIdentityOp
from migrator.operations.set_not_null import SetNotNullOp
from migrator.operations.set_serial import SetSerialOp
from migrator.operations.validate_constraint import ValidateConstraintOp

FOLDER = Path(inspect.getfile(operations)).parent
CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
TEAMS = sa.Table(
    "teams",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("boss", sa.Integer),
    schema="work",
)
INDEX = sa.Index("ix", TEAMS.c.name, unique=True, postgresql_where=sa.text("id > 1"))
UNIQUE = sa.UniqueConstraint(TEAMS.c.name, name="uq", deferrable=True)
CHECK = sa.CheckConstraint("id > 0", name="ck", table=TEAMS)
FOREIGN = sa.ForeignKeyConstraint([TEAMS.c.boss], [TEAMS.c.id], name="fk", table=TEAMS)
TEAMS.append_constraint(UNIQUE)
OLD = {"definition": "CREATE INDEX ix ON public.teams USING btree (name)"}
NEW_INDEX = {
    "definition": "CREATE UNIQUE INDEX ix ON public.teams USING btree (lower(name))",
    "unique": True,
}
ADDED = {"type": "primary key", "definition": "PRIMARY KEY (id)"}
# What each is in a revision, and what reverts it.
WRITTEN: list[tuple[MigrateOperation, str, str]] = [
    (
        CreateIndexConcurrentlyOp.from_index(INDEX),
        "op.create_index_concurrently('ix', 'teams', ['name'], unique=True, schema='work',"
        " postgresql_where=sa.text('id > 1'))",
        "op.drop_index_concurrently(op.f('ix'), 'teams', schema='work')",
    ),
    (
        CreateIndexConcurrentlyOp("ix", "teams", [sa.text("lower(name)")]),
        "op.create_index_concurrently('ix', 'teams', [sa.literal_column('lower(name)')])",
        "op.drop_index_concurrently(op.f('ix'), 'teams')",
    ),
    (
        DropIndexConcurrentlyOp.from_index(INDEX),
        "op.drop_index_concurrently(op.f('ix'), 'teams', schema='work')",
        "op.create_index_concurrently('ix', 'teams', ['name'], unique=True, schema='work',"
        " postgresql_where=sa.text('id > 1'))",
    ),
    (
        AddUniqueConcurrentlyOp.from_constraint(UNIQUE),
        "op.add_unique_concurrently('uq', 'teams', ['name'], deferrable=True, schema='work')",
        "op.drop_constraint_if_exists('uq', 'teams', schema='work', type_='unique')",
    ),
    (
        AddForeignKeyValidatedOp.from_constraint(FOREIGN),
        "op.add_foreign_key_validated('fk', 'teams', 'teams', ['boss'], ['id'],"
        " source_schema='work', referent_schema='work')",
        "op.drop_constraint_if_exists('fk', 'teams', schema='work', type_='foreignkey')",
    ),
    (
        AddCheckValidatedOp.from_constraint(CHECK),
        "op.add_check_validated('ck', 'teams', 'id > 0', schema='work')",
        "op.drop_constraint_if_exists('ck', 'teams', schema='work', type_='check')",
    ),
    (
        DropConstraintIfExistsOp.from_constraint(CHECK),
        "op.drop_constraint_if_exists('ck', 'teams', schema='work', type_='check')",
        "op.add_check_validated('ck', 'teams', 'id > 0', schema='work')",
    ),
    (
        SetNotNullOp("teams", "name", existing_type=sa.Text(), schema="work"),
        "op.set_not_null('teams', 'name', schema='work')",
        "op.alter_column('teams', 'name', existing_type=sa.Text(), nullable=True, schema='work')",
    ),
    (
        SetNotNullOp("teams", "name", if_filled=True, plain=True),
        "op.set_not_null('teams', 'name', if_filled=True, plain=True)",
        "op.alter_column('teams', 'name', nullable=True)",
    ),
    (
        BackfillOp("teams", {"name": sa.text("'a'"), "boss": None}, key="id"),
        "op.backfill('teams', {'name': sa.text(\"'a'\"), 'boss': None}, key='id')",
        "",
    ),
    (
        replace(
            Definition(Key("index", ("public", "teams", "ix")), OLD, None),
            Definition(Key("index", ("public", "teams", "ix")), NEW_INDEX, None),
        ),
        "op.replace_index('ix', 'teams', 'USING btree (lower(name))', unique=True)",
        "op.replace_index('ix', 'teams', 'USING btree (name)')",
    ),
    (
        replace(None, Definition(Key("constraint", ("work", "teams", "pk")), ADDED, "work")),
        "op.replace_constraint('pk', 'teams', 'PRIMARY KEY (id)', schema='work')",
        "op.drop_constraint_if_exists('pk', 'teams', schema='work')",
    ),
    (
        RebuildTableOp("t", "CREATE TABLE t (\n    a TEXT\n)", values={"a": "it's"}, drop=["b"]),
        r"op.rebuild_table('t', 'CREATE TABLE t (\n' '    a TEXT\n' ')',"
        """ values={'a': "it's"}, drop=['b'])""",
        "",
    ),
    (
        ValidateConstraintOp("ck", "teams", schema="work"),
        "op.validate_constraint('ck', 'teams', schema='work')",
        "",
    ),
    (
        ReplaceColumnOp("teams", sa.Column("twice", sa.Integer, sa.Computed("id * 2"))),
        "op.replace_column('teams', sa.Column('twice', sa.Integer(), sa.Computed('id * 2', ),"
        " nullable=True))",
        "op.drop_column('teams', 'twice')",
    ),
    (
        DropDependentsOp("teams.name", '"My Schema".t."a b"'),
        "op.drop_dependents('teams.name', '\"My Schema\".t.\"a b\"')",
        "",
    ),
    (RestoreDependentsOp(), "op.restore_dependents()", ""),
    (
        RestoreDependentsOp({"DROP VIEW v": "CREATE VIEW v AS SELECT 'a$do$'"}),
        """op.restore_dependents({'DROP VIEW v': "CREATE VIEW v AS SELECT 'a$do$'"})""",
        "",
    ),
    (
        SetIdentityOp("teams", "id", always=True, start=5),
        "op.set_identity('teams', 'id', always=True, start=5)",
        "",
    ),
    (
        SetSerialOp("teams", "id", sequence="teams_id_seq", schema="work"),
        "op.set_serial('teams', 'id', sequence='teams_id_seq', kind='bigint', schema='work')",
        "",
    ),
]


def found() -> dict[str, type[Operation]]:
    """All operations of the package, by their names."""
    every = Operation.__subclasses__()
    return {each.renders_as: each for each in every if each.__module__.startswith("migrator.")}


def rendered(operation: MigrateOperation) -> str:
    """The call in one line, as Alembic writes it into a revision."""
    code = render_python_code(ops.UpgradeOps([operation]))
    assert isinstance(code, str)
    line = " ".join(line.strip() for line in code.splitlines() if not line.startswith("#"))
    return re.sub(r"# ### .*? ###", "", line).replace("( ", "(").strip()


@pytest.mark.parametrize(("operation", "text", "reverse"), WRITTEN)
def test_written_and_reverted(operation: Any, text: str, reverse: str) -> None:
    assert rendered(operation) == text
    if reverse:
        assert rendered(operation.reverse()) == reverse
    else:
        with pytest.raises(NotImplementedError):
            operation.reverse()


def test_each_is_a_file_of_its_name() -> None:
    assert {type(operation) for operation, *_ in WRITTEN} == set(found().values())
    for name, kind in found().items():
        assert Path(inspect.getfile(kind)) == FOLDER / f"{name}.py"
        assert isinstance(kind.transactional, bool)
        assert "Args:" in str(kind.__doc__) or "Raises:" in str(kind.__doc__)
        assert getattr(Operations, name).__doc__ == kind.__doc__
        assert callable(getattr(operations.op, name))


def test_a_type_checker_knows_them_all() -> None:
    tree = ast.parse((FOLDER / "__init__.py").read_text("utf-8"))
    (listed,) = (each for each in ast.walk(tree) if isinstance(each, ast.ClassDef))
    lines = {ast.unparse(each) for each in ast.walk(listed) if isinstance(each, ast.Assign)}
    assert lines == {f"self.{name} = _method({kind.__name__})" for name, kind in found().items()}


NEW = '''
"""`op.cluster_table`: for this test."""

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations
from migrator.operations import names
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class ClusterTableOp(Operation):
    """Order a table by an index."""

    renders_as = "cluster_table"
    transactional = False

    def __init__(self, table_name: str, index_name: str, *, schema: str | None = None) -> None:
        self.table_name, self.index_name, self.schema = table_name, index_name, schema

    def run_in_steps(self, session: Session) -> None:
        target = names.quoted(self.table_name, self.schema)
        session.run(f"CLUSTER {target} USING {names.column(self.index_name)}")

    def run_plain(self, operations: Operations) -> None:
        operations.execute(f"REINDEX {names.quoted(self.table_name, self.schema)}")

    def render(self, context: AutogenContext) -> str:
        return self.call(context, repr(self.table_name), repr(self.index_name), schema=self.schema)
'''
USES = """
import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from migrator.operations import op
from migrator.operations.operation import Operation

(kind,) = (each for each in Operation.__subclasses__() if each.renders_as == "cluster_table")
print(kind.transactional, Operations.cluster_table.__doc__, callable(op.cluster_table))
code = render_python_code(ops.UpgradeOps([kind("teams", "ix")]))
print(*(line.strip() for line in code.splitlines() if "op." in line))
offline = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
Operations(offline).cluster_table("Teams", "ix", schema="work")
with sa.create_engine("sqlite://").connect() as connection:
    connection.execute(sa.text("CREATE TABLE teams (id)"))
    Operations(MigrationContext.configure(connection)).cluster_table("teams", "ix")
"""


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of the library to change."""
    shutil.copytree(FOLDER.parent, tmp_path / "migrator", ignore=shutil.ignore_patterns("*.pyc"))
    yield tmp_path


def test_a_new_one_is_one_new_file(copy: Path) -> None:
    """It can be used, is written into revisions and says what it is, without another change."""
    (copy / "migrator/operations/cluster_table.py").write_text(NEW, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USES],
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "False Order a table by an index. True",
        "op.cluster_table('teams', 'ix')",
        "COMMIT;",
        "",
        'CLUSTER work."Teams" USING ix;',
        "",
        "BEGIN;",
        "",
    ]


def test_contributing_names_what_there_is() -> None:
    """What the page says that a class defines, a class can define; its files exist."""
    text = CONTRIBUTING.read_text("utf-8")
    section = text.partition("## Adding an operation\n")[2].partition("\n## ")[0]
    assert 5 < len(section.strip().splitlines()) <= 20
    defined = set(re.findall(r"`(\w+)`", section)) - {"help", "op"}
    assert {"renders_as", "transactional", "run_in_steps", "run_plain", "render"} <= defined
    known = {*vars(Operation), *Operation.__annotations__, "reverse", "Operation", "_method"}
    assert defined - known == set()
    root = CONTRIBUTING.parent
    paths = [path for path in re.findall(r"`([\w{}./-]+/[\w./-]+)`", section) if "<" not in path]
    assert len(paths) >= 3
    assert [path for path in paths if not (root / path).exists()] == []
