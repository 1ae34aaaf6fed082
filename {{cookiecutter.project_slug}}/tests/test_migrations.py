"""The history of the schema: one head, in agreement with the models, up and down."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from sqlalchemy import Engine

from migrator.config.context import Context
from migrator.proof import whole_history
from tests.conftest import PROJECT, config_for

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]

HISTORY = list(ScriptDirectory(PROJECT / "migrations").walk_revisions())
FIRST = HISTORY[-1].revision
# Rows for the tables of the first revision, which later revisions have to keep. They are for the
# example models: when you remove those, insert rows into your own tables here.
ROWS: list[str] = [
    "INSERT INTO teams (name) VALUES ('研发')",
    "INSERT INTO users (email, name, team_id) VALUES ('a@example.org', '李雷', 1)",
    "INSERT INTO invoices (user_id, amount) VALUES (1, 9.99)",
]


def tables(engine: Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def test_each_revision_is_proved() -> None:
    """Up, down and up again on shadow databases with rows: equal schemas, and no row is lost."""
    context = Context.of(Config(PROJECT / "alembic.ini"))
    found = [each for each in whole_history.prove(context) if each.problem]
    assert [(each.script.revision, each.problem, each.details) for each in found] == []


def test_base_is_empty(empty_engine: Engine) -> None:
    config = config_for(empty_engine)
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    assert tables(empty_engine) == set()


def counts(engine: Engine) -> dict[str, int]:
    """Return the number of rows in each table."""
    with engine.connect() as connection:
        return {
            name: connection.scalars(sa.select(sa.func.count()).select_from(sa.table(name))).one()
            for name in tables(engine)
        }


def test_rows_survive_the_later_revisions(empty_engine: Engine) -> None:
    """Upgrades run on tables with rows; a new NOT NULL column without a default fails here."""
    config = config_for(empty_engine)
    command.upgrade(config, FIRST)
    with empty_engine.begin() as connection:
        for row in ROWS:
            connection.execute(sa.text(row))
    before = counts(empty_engine)
    command.upgrade(config, "head")
    after = counts(empty_engine)
    assert {name: n for name, n in before.items() if after.get(name, 0) < n} == {}
