"""What the development server knows without a server: its folder, ports, words of PostgreSQL.

The servers themselves are in tests/development/test_devserver.py of the repository.
"""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from migrator.devserver import DevServer, Status, server_programs
from migrator.devserver.folder import LOG_LIMIT, Folder
from migrator.errors import UsageError


def test_asking_makes_nothing(tmp_path: Path) -> None:
    server = DevServer(tmp_path)
    assert server.status() == Status()
    assert server.stop() is False
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_private_and_git_does_not_see_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.exclusive():
        folder.write("password", "secret\n")
    assert folder.read_password() == "secret"
    assert (folder.path / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.path / "password").stat().st_mode) == 0o600


def test_it_runs_as_long_as_somebody_has_claimed_it(tmp_path: Path) -> None:
    """Whatever the file says: the number of a process may be somebody else's by now."""
    folder = Folder(tmp_path)
    with folder.exclusive():
        folder.write_state(5433, Path("/bin/postgres"), os.getpid())
        assert folder.status() == Status(port=5433)
        claimed = folder.claim()
        assert folder.status() == Status(True, 5433, os.getpid(), "/bin/postgres")
        with pytest.raises(BlockingIOError):
            folder.claim()
        os.close(claimed)
        assert folder.status() == Status(port=5433)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"pid": 1})[:-1]])
def test_a_damaged_file_is_not_believed(tmp_path: Path, text: str) -> None:
    folder = Folder(tmp_path)
    with folder.exclusive():
        folder.write("server", text)
        assert folder.status() == Status()


def test_a_server_is_ready_when_its_own_file_says_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.data.mkdir(parents=True)
    assert not folder.ready(7)
    for lines, ready in (("7\n/data\n1\n5433\n\n*\n\nstarting", False), ("7\nx\nready   ", True)):
        (folder.data / "postmaster.pid").write_text(lines + "\n")
        assert folder.ready(7) is ready
        assert not folder.ready(8)


def test_a_long_log_begins_anew(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.exclusive():
        for size, left in ((LOG_LIMIT, LOG_LIMIT), (LOG_LIMIT + 1, 0)):
            folder.log.write_bytes(b"x" * size)
            os.close(folder.open_log())
            assert folder.log.stat().st_size == left


def test_a_lost_password(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.exclusive(), pytest.raises(UsageError, match="is missing from"):
        folder.read_password()


def test_data_that_is_not_whole_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / ".postgres" / "data"
    data.mkdir(parents=True)
    (data / "precious").touch()
    with pytest.raises(UsageError, match="remove"):
        DevServer(tmp_path).ensure("app")
    assert (data / "precious").exists()


def test_the_preferred_port_unless_it_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        taken = int(other.getsockname()[1])
        other.listen()
        assert server_programs.free_port(taken) != taken
    assert server_programs.free_port(taken) == taken
    assert server_programs.free_port() > 1023


def test_what_postgresql_said_last() -> None:
    assert server_programs.last_lines("a\n\nb\n  \nc\n", 2) == "b\nc"
    assert server_programs.last_lines("", 2) == ""
