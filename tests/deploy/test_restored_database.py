"""What belongs to the database itself comes back with it: who owns it, and who may connect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.deploy.deploying import Stage, execute, renamed

OF_DATABASE = """
SELECT pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'),
       has_database_privilege('passerby', oid, 'CONNECT'),
       has_database_privilege('reader', oid, 'CONNECT'),
       (SELECT array_agg(coalesce(setrole::regrole::text, '') || s.setconfig::text ORDER BY 1)
        FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)
FROM pg_database d WHERE datname = %s
"""
ROLES = ("owner_r", "reader", "passerby", "deployer")
PLACE = "Old; one's"


@pytest.fixture
def made(stage: Stage, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A database with all that it can have, and a folder for its backup."""
    stage.history(execute("CREATE TABLE rows (n int)"))
    with stage.connect() as admin:
        for role in ROLES:
            admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
        admin.execute("ALTER DATABASE deployed OWNER TO owner_r")
        admin.execute("ALTER DATABASE deployed CONNECTION LIMIT 17")
        admin.execute("REVOKE CONNECT ON DATABASE deployed FROM PUBLIC")
        admin.execute("GRANT CONNECT ON DATABASE deployed TO reader, deployer")
        admin.execute("COMMENT ON DATABASE deployed IS 'it''s;\nmine'")
        admin.execute("ALTER DATABASE deployed SET work_mem = '5MB'")
        admin.execute("ALTER ROLE reader IN DATABASE deployed SET lock_timeout = '3s'")
        try:
            yield {"MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
        finally:
            admin.execute(f'DROP DATABASE IF EXISTS "{PLACE}" WITH (FORCE)')
            admin.execute("ALTER DATABASE deployed OWNER TO postgres")
            admin.execute("DROP OWNED BY reader, deployer, passerby, owner_r")
            for role in ROLES:
                admin.execute(f"DROP ROLE {role}")


def dumped(stage: Stage, made: dict[str, Any]) -> Path:
    stage.run(command="backup", **made)
    (dump,) = Path(made["MIGRATOR_BACKUP_FOLDER"]).glob("*.dump")
    return dump


def properties(stage: Stage, name: str) -> Any:
    with psycopg.connect(stage.server) as connection:
        return connection.execute(OF_DATABASE, [name]).fetchone()


def test_all_of_it(stage: Stage, made: dict[str, Any]) -> None:
    dump = dumped(stage, made)
    output = stage.run(str(dump), "--into", PLACE, "--yes", command="restore", **made)
    assert "Warning" not in output
    assert properties(stage, PLACE) == properties(stage, "deployed")
    assert properties(stage, PLACE)[:2] == ("owner_r", 17)
    assert properties(stage, PLACE)[3:5] == (False, True)


def test_without_roles(stage: Stage, made: dict[str, Any]) -> None:
    """Only what needs none of them."""
    dump = dumped(stage, made)
    goal = [str(dump), "--into", PLACE, "--yes", "--no-owner"]
    stage.run(*goal, command="restore", **made)
    owner, limit, comment, *_ = properties(stage, PLACE)
    assert (owner, limit, comment) == ("postgres", 17, "it's;\nmine")


def test_an_account_that_may_not_create_it(stage: Stage, made: dict[str, Any]) -> None:
    """It says what to do, and goes on when that is done."""
    dump = dumped(stage, made)
    more = made | {"DATABASE_URL": stage.url.replace("//", "//deployer:x@", 1)}
    more["DATABASE_URL"] = f"postgresql://deployer:x@{stage.url.rpartition('@')[2]}"
    goal = [str(dump), "--into", PLACE, "--yes", "--no-owner"]
    output = stage.run(*goal, command="restore", code=5, **more)
    assert "the account deployer may not create databases. Nothing was changed" in output
    _, _, rest = output.partition("As an administrator: ")
    statement, _, _ = rest.partition(" Then run this again")
    with psycopg.connect(stage.server, autocommit=True) as admin:
        admin.execute(statement.encode())
    assert f"Restored into {PLACE}" in stage.run(*goal, command="restore", **more)
    with psycopg.connect(renamed(stage.server, PLACE.replace(" ", "%20"))) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables").fetchone() != (0,)
