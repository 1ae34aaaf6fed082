"""How PostgreSQL's client programs are run, and what they say when they fail."""

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

HEARTBEAT = 5.0  # seconds between two progress messages of a slow program
PR_SET_PDEATHSIG = 1  # an option of prctl(2) on Linux


def plain_environment() -> dict[str, str]:
    """Return the environment for a program that does not connect; its messages are English."""
    return dict(os.environ, LC_ALL="C")


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    heartbeat: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Run a program and wait for its end; it is terminated if this process ends.

    Args:
        heartbeat: called every few seconds while the program runs.
    """
    with (
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            preexec_fn=end_with_parent,
        ) as process,
        terminated_on_error(process),
    ):
        while True:
            try:
                output, errors = process.communicate(timeout=HEARTBEAT)
                break
            except subprocess.TimeoutExpired:
                heartbeat()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


@contextmanager
def terminated_on_error(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """Terminate `process` if the block raises an error; SIGTERM lets it cancel its query."""
    try:
        yield
    except BaseException:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def end_with_parent() -> None:
    """Let Linux terminate this child when its parent is killed: a dump can take hours."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def error_output(run: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed program printed, in one line and without its name."""
    if run.returncode < 0:
        return f"it was terminated by {signal.Signals(-run.returncode).name}"
    lines = [
        re.sub(r"^(pg_\w+|psql[^ ]*): (error: )?", "", line) for line in run.stderr.splitlines()
    ]
    shown = [line for line in lines if line.strip() and not line.startswith(("warning:", "hint:"))]
    return "; ".join(shown[:3]).removesuffix(".") or f"its exit code was {run.returncode}"
