"""The [migrator] section of an ini file, the environment, and flags."""

from pathlib import Path

import pytest
from alembic.config import Config

from migrator.config.context import Context
from migrator.errors import UsageError


def context(folder: Path, section: str, **flags: object) -> Context:
    ini = folder / "alembic.ini"
    ini.write_text(f"[alembic]\n[migrator]\n{section}\n", encoding="utf-8")
    return Context.of(Config(ini), flags)


def test_flags_win_over_the_environment_and_the_ini(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert context(tmp_path, "wait_timeout = 1").settings.wait_timeout == 1
    monkeypatch.setenv("MIGRATOR_WAIT_TIMEOUT", "2")
    assert context(tmp_path, "wait_timeout = 1").settings.wait_timeout == 2
    assert context(tmp_path, "wait_timeout = 1", wait_timeout=3).settings.wait_timeout == 3
    assert context(tmp_path, "wait_timeout = 1", wait_timeout=None).settings.wait_timeout == 2


def test_names_of_the_last_release_still_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = context(tmp_path, "gate_age = 3\ngate_timeout = 4").settings
    assert (found.blocker_age, found.blocker_timeout) == (3, 4)
    monkeypatch.setenv("MIGRATOR_GATE_AGE", "5")
    assert context(tmp_path, "").settings.blocker_age == 5


def test_a_setting_that_is_gone_is_named_once_and_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert context(tmp_path, "squawk_timeout = 30\nwait_timeout = 1").settings.wait_timeout == 1
    said = capsys.readouterr().err
    assert said.count("squawk_timeout has no effect") == 1


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("lock_timout = 1", "did you mean lock_timeout"),
        ("drift = yes", "true or false"),
        ("backup_keep = 1.5", "a whole number"),
        ("lock_timeout = -1", "number of seconds"),
        ("statement_timeout = 0.1\nlock_timeout = 0.1", "longer than lock_timeout"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, section: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        context(tmp_path, section)


def test_a_fresh_context_keeps_the_settings_and_nothing_that_a_command_has_set(
    tmp_path: Path,
) -> None:
    first = context(tmp_path, "wait_timeout = 1", wait_timeout=7)
    first.config.attributes["connection"] = object()
    second = first.fresh()
    assert second.settings == first.settings
    assert second.config.attributes == {}
    assert second.folder == tmp_path


def test_seconds_that_no_server_takes(tmp_path: Path) -> None:
    """PostgreSQL would refuse the connection, which looks like a server that is away."""
    found = context(tmp_path, "statement_timeout = 1e9\nlock_deadline = 1e300").settings
    assert (found.statement_timeout, found.lock_deadline) == (2_147_483, 2_147_483)
    kept = context(tmp_path, "require_rehearsal = 2592000").settings
    assert kept.require_rehearsal == 2_592_000
