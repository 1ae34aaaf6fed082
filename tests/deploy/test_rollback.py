"""Ways back through a history that is no line: merges, and branches that stay."""

import pytest

from tests.deploy.deploying import REVISION, Stage

# Each makes a table of its name, which its downgrade drops:
#
#   root ─┬─ a ─────────┬─ m ── top
#         └─ b1 ── b2 ──┘
HISTORY: dict[str, str | tuple[str, ...] | None] = {
    "root": None,
    "a": "root",
    "b1": "root",
    "b2": "b1",
    "m": ("a", "b2"),
    "top": "m",
}


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """With everything applied."""
    for name, before in HISTORY.items():
        text = REVISION.format(
            name=name,
            before=before,
            upgrade=f'op.execute("CREATE TABLE t_{name} (n int)")',
            downgrade=f'op.execute("DROP TABLE t_{name}")',
        )
        stage.write(name, text)
    stage.run()
    return stage


def state(stage: Stage) -> tuple[set[str], set[str]]:
    """Where the database is, and which revisions' tables are there."""
    tables = stage.ask("SELECT relname FROM pg_class WHERE relname LIKE 't\\_%'")
    return set(stage.at.split(", ")), {row[0].removeprefix("t_") for row in tables}


def back(stage: Stage, to: str, code: int = 0) -> str:
    """Takes revisions back."""
    return stage.run("--to", to, "--yes", command="rollback", code=code)


@pytest.mark.parametrize(
    ("to", "at", "taken"),
    [
        ("m", {"m"}, ["top"]),
        ("-1", {"m"}, ["top"]),
        ("a", {"a", "b2"}, ["top", "m"]),
        ("b2", {"a", "b2"}, ["top", "m"]),
        ("b1", {"a", "b1"}, ["top", "m", "b2"]),
        ("roo", {"root"}, ["top", "m", "a", "b1", "b2"]),
        ("base", {""}, [*HISTORY]),
        # A branch of its own: the other one stays.
        ("a@root", {"b2"}, ["top", "m", "a"]),
        ("b1@root", {"a"}, ["top", "m", "b1", "b2"]),
    ],
)
def test_back_over_a_merge(stage: Stage, to: str, at: set[str], taken: list[str]) -> None:
    """It shows the SQL, does it, says where the database is then, and forward works again."""
    output = back(stage, to)
    words = next(line for line in output.splitlines() if line.startswith("Back from top to "))
    assert set(words.removeprefix("Back from top to ").removesuffix(":").split(", ")) == (
        at if at != {""} else {"base"}
    )
    for name in taken:
        assert f"reverted {name} in" in output
        assert f"DROP TABLE t_{name}" in output
    assert state(stage) == (at, set(HISTORY) - set(taken))
    stage.run()
    assert state(stage) == ({"top"}, set(HISTORY))


def test_back_from_two_heads(stage: Stage) -> None:
    back(stage, "a")
    output = back(stage, "b1")
    assert "DROP TABLE t_b2" in output
    assert state(stage) == ({"a", "b1"}, {"root", "a", "b1"})
    assert "Nothing to revert" in back(stage, "b1")
    # Steps are those of one branch; what is asked and shown is what is done.
    output = back(stage, "-1")
    shown = {name for name in HISTORY if f"  reverts {name}  " in output}
    assert len(shown) == 1
    assert state(stage)[1] == {"root", "a", "b1"} - shown
    output = back(stage, "base")
    assert state(stage) == ({""}, set())


def test_after_a_part_of_the_way(stage: Stage) -> None:
    """The command to go on that it prints means the same, though steps would not."""
    with stage.connect() as connection:
        connection.execute("CREATE VIEW needs AS SELECT n FROM t_m")
    back(stage, "m")
    output = back(stage, "a", code=1)
    assert "Fix the cause and run the rollback again." in output
    assert (
        "  to go on     .venv/bin/python -m migrator -c alembic_prod.ini rollback --to a" in output
    )
    assert "run the deploy" not in output and "to go back" not in output
    assert state(stage)[0] == {"m"}
    with stage.connect() as connection:
        connection.execute("DROP VIEW needs")
    back(stage, "a")
    assert state(stage)[0] == {"a", "b2"}


def test_a_part_of_the_way(stage: Stage) -> None:
    """It says what is, and both ways on from there can be typed as they are printed."""
    with stage.connect() as connection:
        connection.execute("CREATE VIEW needs AS SELECT n FROM t_a")
    output = back(stage, "root", code=1)
    assert "(2 of 5 revisions reverted)" in output
    assert "Fix the cause and run the rollback again." in output
    typed = ".venv/bin/python -m migrator -c alembic_prod.ini"
    assert f"  to go on     {typed} rollback --to root\n" in output
    assert f"  to go back   {typed} deploy --to top\n" in output
    stage.run("--to", "top")
    assert state(stage)[0] == {"top"}


def test_a_way_that_is_not_clear(stage: Stage) -> None:
    back(stage, "m")
    output = back(stage, "-1", code=2)
    assert "There is no way back from m to -1 (Ambiguous walk)" in output
    assert "There is no way back from m to top" in back(stage, "top", code=2)
    assert state(stage)[0] == {"m"}
