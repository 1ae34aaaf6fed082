"""Renderings to test from the outside: files, make, exit codes, the database.

render      a new rendering for one test; its servers are stopped when the test ends
ready       the same, with everything installed (one environment is shared by all of them)
rendered    a rendering to read only, made once for the same answers
command     the cookiecutter command itself
each_choice, each_combination
            parametrize a test over the options in cookiecutter.json

Fixtures of a wider scope use `renderer`, which all of these are made of.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cookiecutter.main import cookiecutter

from tests.warm import Forked, Warm

REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATE_FOLDER = "{{cookiecutter.project_slug}}"
LIBRARY = "vendor/alembic-starter"  # where a rendering has it
QUESTIONS: dict[str, Any] = {
    name: default
    for name, default in json.loads((REPOSITORY / "cookiecutter.json").read_bytes()).items()
    if not name.startswith("_")
}

# What the tests' own environment must not lend to a rendering: a user has none of it.
HIDDEN = {"VIRTUAL_ENV", "LANG", "LANGUAGE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
HIDDEN |= {"CI"}  # make setup would insist on a lock
HIDDEN |= {"GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"}  # of our own merge requests
HIDDEN_PREFIXES = ("PYTHON", "LC_", "PG", "MIGRATOR_", "MIGRATION_", "DATABASE_", "PYTEST_", "COV_")

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How the reason of a skipped test begins that the end of the run has to say, once.
LEFT_OUT = "Left out: "

Answer = str | bool
Process = subprocess.Popen[str] | Forked
Render = Callable[..., "Rendering"]
Command = Callable[..., subprocess.CompletedProcess[str]]


# Where mypy keeps what it knows, so that it reads SQLAlchemy once and not in each project.
CACHES: dict[str, str | None] = {}


def users_environment(changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """The environment of somebody who just opened a terminal.

    Args:
        changes: variables to add; None takes one away.
    """
    own_bin = str(Path(sys.prefix, "bin"))
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in HIDDEN and not name.startswith(HIDDEN_PREFIXES)
    }
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    environment["PATH"] = os.pathsep.join(folder for folder in folders if folder != own_bin)
    for name, value in {**CACHES, **(changes or {})}.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


class Interpreters:
    """Those that commands of one virtual environment are forked from, started when needed."""

    def __init__(self, environment: Path) -> None:
        self.environment = environment
        self.folders = contextlib.ExitStack()

    @functools.cached_property
    def plain(self) -> Warm:
        """For commands that a user types."""
        return self.start()

    @functools.cached_property
    def in_recipes(self) -> Warm:
        """For those in migrations.mk, which sets variables for them."""
        return self.start(PYTHONUTF8="1", PYTHONIOENCODING="utf-8")

    def start(self, **variables: str) -> Warm:
        folder = self.folders.enter_context(tempfile.TemporaryDirectory(prefix="warm-"))
        python = self.environment / "bin/python"
        warm = Warm(python, Path(folder), users_environment(variables))
        self.folders.callback(warm.close)
        return warm


@dataclass
class Rendering:
    """A rendered project in the folder `path`, and what a user can do with it."""

    path: Path
    answers: dict[str, Answer]
    warm: Interpreters | None = None
    used: bool = field(default=False, init=False)

    def run(
        self,
        command: str,
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        timeout: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `command` in the project's folder and returns its exit code and output.

        Args:
            command: as typed, but no shell reads it: quotes work, pipes do not.
            env: changes to the user's environment; None takes a variable away.
            cwd: another folder to run in.
            timeout: seconds.

        Raises:
            UnicodeDecodeError: the output is not UTF-8, which nothing in a project may do.
        """
        process = self.start(shlex.split(command), env=env, cwd=cwd)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(process.args, process.wait(), stdout, stderr or "")

    def start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        together: bool = False,
    ) -> Process:
        """Starts a command in the project's folder.

        Args:
            command: the program and its arguments.
            env: changes to the user's environment; None takes a variable away.
            cwd: another folder to run in.
            together: stderr comes with stdout.
        """
        self.used = True
        folder = cwd or self.path
        variables = users_environment({"PWD": str(folder), **(env or {})})
        if self.warm and folder == self.path:
            if command[0] == "make":
                if not any(each.startswith("PYTHON=") for each in command):
                    command = [*command, f"PYTHON={self.warm.in_recipes.client}"]
            elif self.warm.plain.fits(command, variables):
                return self.warm.plain.start(command, cwd=folder, env=variables, together=together)
        return subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if together else subprocess.PIPE,
            encoding="utf-8",
        )

    def for_make(self) -> dict[str, str]:
        """Variables with which the make of a shell, or of a hook, has its commands forked too."""
        if not self.warm:
            return {}
        return {"MAKEFLAGS": "-- PYTHON=" + self.warm.in_recipes.client.replace(" ", "\\ ")}

    def make(self, goals: str, *, env: Mapping[str, str | None] | None = None) -> str:
        """Runs `make GOALS`, which has to succeed, and returns what it printed to stdout."""
        done = self.run(f"make {goals}", env=env)
        assert done.returncode == 0, f"make {goals}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def read(self, name: str) -> str:
        """The text of one file, exactly as it lies there."""
        return (self.path / name).read_bytes().decode("utf-8")

    def files(self) -> dict[str, bytes]:
        """The contents of all files by name."""
        return files_of(self.path)

    def database_url(self) -> str:
        """The URL of its database for libpq; the development server is started if it is down."""
        done = self.run(".venv/bin/python -m migrator db url")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().replace("+psycopg", "")

    def stop(self) -> None:
        """Stops the server that the project may have started."""
        if (
            self.used
            and (self.path / ".postgres/server").exists()
            and (self.path / ".venv").exists()
        ):
            self.run(".venv/bin/python -m migrator db stop", timeout=120)
        end_server(self.path / ".postgres/data")


def end_server(data: Path) -> None:
    """Ends a PostgreSQL that still runs on `data`, because a test made its project forget it."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        if b"postgres" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return  # it was killed, and the number is another process's now
        os.kill(pid, signal.SIGQUIT)
    except (OSError, ValueError, IndexError):
        return
    end = time.monotonic() + 30
    while (data / "postmaster.pid").exists() and time.monotonic() < end:
        time.sleep(0.05)


def files_of(folder: Path) -> dict[str, bytes]:
    """The contents of all files below `folder`, by their names relative to it.

    Bytecode is left out: a process that is about to end may still replace it.
    """
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts and path.is_file()
    }


def distribution(project: Rendering) -> str:
    """The project's name as packages have it, and `uv.lock` with them."""
    name = tomllib.loads(project.read("pyproject.toml"))["project"]["name"]
    return re.sub(r"[-_.]+", "-", str(name)).lower()


def literally(text: str) -> str:
    """`text` as an answer for the command line, where cookiecutter runs braces as code."""
    return "{% raw %}" + text + "{% endraw %}" if "{" in text else text


def fingerprint(rendering: Rendering) -> str:
    """The line by which `make setup` knows that everything is installed."""
    function = "sed -n '/^fingerprint() {/,/^}/p' scripts/setup.sh"
    return subprocess.run(
        ["sh", "-c", f'eval "$({function})"; fingerprint'],
        cwd=rendering.path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


class Renderer:
    """Makes renderings below the folder `scratch`.

    Args:
        scratch: this worker's own folder.
        shared: a folder that all workers of this run share.
    """

    def __init__(self, scratch: Path, shared: Path) -> None:
        self.scratch = scratch
        self.shared = shared
        self.made: list[Rendering] = []
        self.lasts: list[Rendering] = []
        self.kept: dict[str, Rendering] = {}
        self.warm: dict[Path, Interpreters] = {}
        self.numbers = itertools.count(1)
        # One for all workers, since a rendering records the path of its template.
        self.template = Path(self.once("template", self._cloned))
        # cookiecutter leaves each hook that it runs in the temporary folder.
        self.hooks = scratch / "hooks"
        self.hooks.mkdir()
        self.memory = folder_in_memory()
        self.config = scratch / "cookiecutter.yaml"
        self.config.write_text(
            f"cookiecutters_dir: {scratch / 'cookiecutters'}\nreplay_dir: {scratch / 'replay'}\n",
            encoding="utf-8",
        )

    def _cloned(self) -> str:
        folder = self.shared / "alembic-starter"
        copy_as_cloned(folder)
        return str(folder)

    def render(self, **answers: Answer) -> Rendering:
        """A new rendering. Braces in answers have to be given through `literally`."""
        rendering = self.render_into(self.scratch / f"rendering-{next(self.numbers)}", answers)
        self.made.append(rendering)
        return rendering

    def rendered(self, **answers: Answer) -> Rendering:
        """A rendering to read only, the same one for the same answers in all workers."""
        key = json.dumps(answers, sort_keys=True)
        if key not in self.kept:
            home = self.shared / f"rendered-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
            path = self.once(home.name, lambda: str(self.render_into(home, answers).path))
            self.kept[key] = Rendering(Path(path), dict(answers))
        return self.kept[key]

    def copied(self, answers: Mapping[str, Answer]) -> Rendering:
        """A new rendering, from a copy of `rendered`, which does not take long."""
        source = self.rendered(**answers).path
        path = self.scratch / f"rendering-{next(self.numbers)}" / source.name
        path.parent.mkdir()
        subprocess.run(["cp", "-a", source, path], check=True)  # half the time of shutil's
        self.made.append(Rendering(path, dict(answers)))
        return self.made[-1]

    def ready(
        self, *, python: str = "", fresh: bool = False, types: bool = False, **answers: Answer
    ) -> Rendering:
        """A new rendering after `make setup`, which is really run once for all that need the same.

        Args:
            python: the Python to make the environment with; the one on PATH if empty.
            fresh: each command starts its own Python, and the first one that needs a server makes
                its cluster, as for a user; else see tests/warm and `prepare`.
            types: mypy knows the packages; without this it reads them once in each worker.
            answers: as for `render`.
        """
        rendering = self.copied(answers)
        environment = self.environment(rendering, python)
        source = Rendering(environment.parent, dict(answers))
        (rendering.path / ".venv").symlink_to(environment)
        if not fresh:
            rendering.warm = self.interpreters(environment)
            if answers.get("database", QUESTIONS["database"][0]) == "postgresql":
                self.prepare(rendering)
        lock = source.read("uv.lock").replace(
            f'name = "{distribution(source)}"', f'name = "{distribution(rendering)}"'
        )
        (rendering.path / "uv.lock").write_bytes(lock.encode("utf-8"))
        # Else `make setup` would install the library again, under the other renderings' feet.
        with (environment / "installed").open("a", encoding="utf-8") as installed:
            installed.write(fingerprint(rendering))
        if types:
            self.know_types(rendering)
        return rendering

    def know_types(self, rendering: Rendering) -> None:
        """Copies what mypy has found out about the packages, which one worker waits for."""
        version = next((rendering.path / ".venv/lib").glob("python3*")).name.removeprefix("python")
        whole, own = self.shared / "mypy" / version, self.scratch / "mypy" / version
        with (self.shared / "mypy.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                env = {"MYPY_CACHE_DIR": str(self.shared / "mypy-unfinished")}
                done = rendering.run(".venv/bin/python -m mypy", env=env)
                assert done.returncode == 0, done.stdout
                whole.parent.mkdir(exist_ok=True)
                (self.shared / "mypy-unfinished" / version).rename(whole)
        if not own.exists():
            shutil.copytree(whole, own)

    def interpreters(self, environment: Path) -> Interpreters | None:
        """Those of an environment that nothing is installed into any more."""
        if Warm.possible() and environment not in self.warm:
            self.warm[environment] = Interpreters(environment)
        return self.warm.get(environment)

    def lasting(self, rendering: Rendering) -> Rendering:
        """Keeps a rendering's server running until all tests have ended, and returns it."""
        self.made.remove(rendering)
        self.lasts.append(rendering)
        return rendering

    def serve(self, rendering: Rendering) -> str:
        """Starts the server of a ready rendering, and returns `database_url`."""
        return rendering.database_url()

    def prepare(self, rendering: Rendering) -> None:
        """Gives a rendering a cluster, a copy of one that is made once for all of them.

        It does not wait for the disk, and is not even on it where there is memory enough:
        creating and dropping databases is mostly work of the file system.
        """
        cluster, folder = self.cluster(), rendering.path / ".postgres"
        data = (self.memory or folder) / (f"data-{next(self.numbers)}" if self.memory else "data")
        folder.mkdir(mode=0o700)
        others = [path for path in cluster.iterdir() if path.name != "data"]
        for copied in ([*others, folder], [cluster / "data", data]):
            subprocess.run(["cp", "-a", *copied], check=True)  # with the owners, if we are root
        if self.memory:
            (folder / "data").symlink_to(data)

    def cluster(self) -> Path:
        """A .postgres folder for `prepare`, without what is about a server that runs."""
        cluster = self.shared / "cluster"
        with (self.shared / "cluster.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not cluster.exists():
                project = self.ready(fresh=True)
                with psycopg.connect(project.database_url(), autocommit=True) as connection:
                    connection.execute("ALTER SYSTEM SET fsync = off")
                project.stop()
                for name in ("lock", "log", "server"):
                    (project.path / ".postgres" / name).unlink()
                (project.path / ".postgres").rename(cluster)
        return cluster

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` returns, which JSON can hold; one of this run's workers calls it."""
        result = self.shared / f"{name}.json"
        with (self.shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                result.write_text(json.dumps(make()), encoding="utf-8")
        return json.loads(result.read_text(encoding="utf-8"))

    def environment(self, rendering: Rendering, python: str) -> Path:
        """The environment for all renderings that depend on the same packages and Python."""
        metadata = tomllib.loads(rendering.read("pyproject.toml"))
        needs = [
            metadata["project"]["requires-python"],
            metadata["project"]["dependencies"],
            metadata["dependency-groups"],
            metadata["tool"]["uv"],
            python,
        ]
        key = hashlib.sha256(json.dumps(needs).encode()).hexdigest()[:12]
        home = self.shared / f"environment-{key}"
        with (self.shared / f"{home.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (home / "ready").exists():
                shutil.rmtree(home, ignore_errors=True)
                source = self.render_into(home, rendering.answers)
                goals = f"setup BASE_PYTHON={shlex.quote(python)}" if python else "setup"
                source.make(goals, env={"PATH": self.path_with_uv()})
                (home / "ready").symlink_to(source.path / ".venv")
        return (home / "ready").resolve()

    def path_with_uv(self) -> str:
        """PATH with the uv of this repository, if it has one; else each project installs one."""
        folders = [users_environment()["PATH"]]
        if (uv := Path(sys.prefix, "bin/uv")).exists():
            folder = self.scratch / "uv"
            folder.mkdir(exist_ok=True)
            if not (folder / "uv").exists():
                (folder / "uv").symlink_to(uv)
            folders.append(str(folder))
        return os.pathsep.join(folders)

    def render_into(self, folder: Path, answers: Mapping[str, Answer]) -> Rendering:
        """A rendering below `folder`, through cookiecutter's Python interface."""
        before, tempfile.tempdir = tempfile.tempdir, str(self.hooks)
        try:
            path = cookiecutter(
                str(self.template),
                no_input=True,
                extra_context=dict(answers),
                output_dir=str(folder),
                config_file=str(self.config),
            )
        finally:
            tempfile.tempdir = before
        return Rendering(Path(path), dict(answers))

    def command(
        self,
        *arguments: str | bytes,
        folder: Path,
        typed: str | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `cookiecutter TEMPLATE ARGUMENTS` in `folder`, as a user does.

        Args:
            arguments: options, and answers as name=value.
            folder: where to run, and to render.
            typed: what to type at the prompts; without it nothing is asked.
            env: changes to the user's environment.
        """
        return subprocess.run(
            [sys.executable, "-m", "cookiecutter", "--config-file", str(self.config)]
            + ([] if typed is not None else ["--no-input"])
            + [str(self.template), *arguments],
            cwd=folder,
            env=users_environment({"PWD": str(folder), "TMPDIR": str(self.hooks), **(env or {})}),
            input=typed or "",
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    @contextlib.contextmanager
    def stopping(self) -> Iterator[None]:
        """Stops the servers of all renderings that are made inside the with block."""
        before = len(self.made)
        try:
            yield
        finally:
            for rendering in self.made[before:]:
                rendering.stop()
                data = rendering.path / ".postgres/data"
                if self.memory and data.is_symlink() and data.resolve().parent == self.memory:
                    shutil.rmtree(data.resolve())
            del self.made[before:]

    def close(self) -> None:
        """Stops all that lasts."""
        for rendering in self.lasts:
            rendering.stop()
        for interpreters in self.warm.values():
            interpreters.folders.close()
        if self.memory:
            shutil.rmtree(self.memory)


def folder_in_memory() -> Path | None:
    """A new folder for clusters, which are 50 MB each; None where there is no memory for them."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 4 << 30:
        return None
    folder = Path(tempfile.mkdtemp(prefix="clusters-", dir=memory))
    folder.chmod(0o711)  # the server of root runs as another user
    return folder


def copy_as_cloned(target: Path) -> None:
    """Copies this repository to `target` as a clone has it: without caches and other strays."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith(
            (f"{TEMPLATE_FOLDER}/", "hooks/", "cookiecutter.json", "library/", "alembic_starter_")
        ):
            source = REPOSITORY / name
            if source.exists():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                # The template holds the library as a link.
                shutil.copy(source, target / name, follow_symlinks=False)


@pytest.fixture(scope="session")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renderer]:
    """What makes the renderings of this worker."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    renderer = Renderer(tmp_path_factory.mktemp("renderings"), shared)
    CACHES["MYPY_CACHE_DIR"] = str(renderer.scratch / "mypy")
    try:
        with renderer.stopping():
            yield renderer
    finally:
        renderer.close()


@pytest.fixture
def render(renderer: Renderer) -> Iterator[Render]:
    """render(**answers): a new rendering for this test."""
    with renderer.stopping():
        yield renderer.render


@pytest.fixture
def ready(renderer: Renderer) -> Iterator[Render]:
    """ready(**answers): a new rendering for this test, with everything installed."""
    with renderer.stopping():
        yield renderer.ready


@pytest.fixture(scope="session")
def rendered(renderer: Renderer) -> Render:
    """rendered(**answers): a rendering to read only."""
    return renderer.rendered


@pytest.fixture
def command(renderer: Renderer) -> Command:
    """command(*arguments, folder=...): the cookiecutter command."""
    return renderer.command


def options() -> dict[str, list[Answer]]:
    """The questions that have a fixed set of answers, the default first."""
    return {
        name: [default, not default] if isinstance(default, bool) else default
        for name, default in QUESTIONS.items()
        if isinstance(default, bool | list)
    }


def every_choice() -> dict[str, dict[str, Answer]]:
    """The default answers, then each other choice of each option by itself."""
    return {"defaults": {}} | {
        f"{name}={choice}": {name: choice}
        for name, choices in options().items()
        for choice in choices[1:]
    }


def every_combination() -> dict[str, dict[str, Answer]]:
    """All combinations of all options."""
    names = options().keys()
    return {
        "-".join(f"{name}={choice}" for name, choice in zip(names, combination, strict=True)): dict(
            zip(names, combination, strict=True)
        )
        for combination in itertools.product(*options().values())
    }


@pytest.fixture(scope="session")
def each_choice(request: pytest.FixtureRequest, rendered: Render) -> Rendering:
    """A rendering to read only, for each choice of each option."""
    return rendered(**request.param)


@pytest.fixture(scope="session")
def each_combination(request: pytest.FixtureRequest, rendered: Render) -> Rendering:
    """A rendering to read only, for each combination of options."""
    return rendered(**request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeats a test for all options if it asks for one of the fixtures above."""
    for fixture, cases in (
        ("each_choice", every_choice()),
        ("each_combination", every_combination()),
    ):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, cases.values(), ids=cases.keys(), indirect=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out because this machine cannot have it."""
    reasons = (str(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    missing = {each for text in reasons for each in re.findall(LEFT_OUT + r"(.*?)['\n]", text)}
    if missing:
        terminalreporter.write_line(LEFT_OUT + "; ".join(sorted(missing)), yellow=True)
