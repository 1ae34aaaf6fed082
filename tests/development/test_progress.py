"""What takes a while is told at a terminal, and an upgrade that does nothing says so."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess

import pytest

from tests.conftest import QUESTIONS, Render, Rendering, users_environment


def at_terminal(project: Rendering, command: str) -> tuple[str, str]:
    """Run a command whose stderr is a terminal; return what it prints to stdout and there."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(
            command.split(),
            cwd=project.path,
            env=users_environment(),
            stdout=subprocess.PIPE,
            stderr=theirs,
            check=False,
            timeout=300,
        )
        os.close(theirs)
        shown = b""
        try:
            while more := terminal.read(4096):
                shown += more
        except OSError:  # how a terminal says that nobody writes any more
            pass
    assert done.returncode == 0, shown
    return done.stdout.decode(), shown.decode()


def test_the_first_start_says_what_it_does_where_and_how_to_end_it(ready: Render) -> None:
    project = ready(database="postgresql")
    shutil.rmtree(project.path / ".postgres", ignore_errors=True)  # made before, for all tests
    url, shown = at_terminal(project, "make -s db-url")
    created, started = shown.splitlines()
    assert created.startswith("Creating the development PostgreSQL, once")
    port = re.search(r"@127\.0\.0\.1:(\d+)/", url)
    assert port
    assert f"on 127.0.0.1:{port[1]}, with its data in .postgres/; `make db-stop`" in started
    assert at_terminal(project, "make -s db-url") == (url, "")
    project.make("db-stop")
    assert at_terminal(project, "make -s db-url")[1].startswith("Started the development")
    project.make("db-stop")
    done = project.run("make -s db-url")  # a log of a pipeline has no such line
    assert done.stderr == ""


@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_an_upgrade_that_has_nothing_to_do_says_so(database: str, ready: Render) -> None:
    project = ready(database=database)
    words = "Nothing to do: the database is at 5f2c81d0a7e4.\n"
    assert "Nothing to do" not in project.run("make migrate").stderr
    assert project.run("make migrate").stderr.endswith(words)
    assert project.run("make upgrade").stderr.endswith(words)
    done = project.run(".venv/bin/alembic upgrade head --sql")
    assert "Nothing to do" not in done.stdout + done.stderr
