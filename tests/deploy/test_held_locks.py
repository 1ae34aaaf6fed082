"""What a deploy does while a revision holds its locks, and everybody else waits behind them."""

from pathlib import Path

from sqlalchemy import create_engine, event

from migrator.postgres import blocking_sessions
from tests.deploy.deploying import Stage, execute, steps

ROWS = "CREATE TABLE rows (n int)"


def test_statements_between_the_change_and_its_commit(stage: Stage, tmp_path: Path) -> None:
    """No query of a catalog is among them."""
    heard = tmp_path / "heard"
    listen = (
        "import pathlib, sqlalchemy",
        f"heard = pathlib.Path({str(heard)!r}).open('w')",
        "sqlalchemy.event.listen(op.get_bind(), 'before_cursor_execute', lambda _, __, statement,"
        " *___: print(statement.split()[0], file=heard, flush=True))",
    )
    stage.begin(ROWS)
    stage.history(execute(ROWS), execute("SELECT 1"), steps(execute("LOCK TABLE rows"), *listen))
    stage.run()
    assert heard.read_text().split() == ["SET", "UPDATE", "INSERT"]


def test_who_does_not_wait_is_asked_for_cheaply(stage: Stage) -> None:
    """What names the blockers takes the server longer to plan than most changes take."""
    engine = create_engine(stage.url.replace("postgresql://", "postgresql+psycopg://"))
    asked: list[str] = []
    with stage.connect() as other, engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *each: asked.append(each[2]))
        assert blocking_sessions.blocking(connection, other.info.backend_pid) == []
    assert not any("pg_blocking_pids" in each for each in asked)
