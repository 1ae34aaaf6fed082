"""scripts/release.py and scripts/bump.py, in copies of this repository."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import alembic
import pytest

from scripts import pins
from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, users_environment

WORKFLOW = f"{TEMPLATE_FOLDER}/.github/workflows/ci.yml"
INIT = "library/src/migrator/__init__.py"
DAY = "2031-02-03"


class Copy:
    """A copy of this repository, with a history of one commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (REPOSITORY / name).exists() and not name.startswith("benchmarks/"):
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                # The template holds the library as a link.
                shutil.copy(REPOSITORY / name, path / name, follow_symlinks=False)
        self.write(
            "CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- 新的。\n\n## 2031.1.0\n\n- Old.\n"
        )
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=first")

    def run(
        self, *command: str, env: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        people = {
            f"GIT_{who}_{what}": "ann@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            command,
            cwd=self.path,
            env=users_environment({"GIT_CONFIG_GLOBAL": "/dev/null", **people, **(env or {})}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.run(sys.executable, "scripts/release.py", f"--date={DAY}", *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def bump(
        self, *arguments: str, env: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = self.run(sys.executable, "-m", "scripts.bump", *arguments, env=env)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def test_a_release_has_its_version_everywhere(copy: Copy) -> None:
    done = copy.release("--tested")
    assert done.returncode == 0, done.stderr
    assert "git push origin main 2031.2.0" in done.stdout
    assert '\nversion = "2031.2.0"\n' in copy.read("pyproject.toml")
    assert '\nversion = "2031.2.0"\n' in copy.read("library/pyproject.toml")
    assert '\n__version__ = "2031.2.0"\n' in copy.read(INIT)
    assert copy.read("CHANGELOG.md") == (
        "# Changelog\n\n## Unreleased\n\n## 2031.2.0 (2031-02-03)\n\n- 新的。\n\n"
        "## 2031.1.0\n\n- Old.\n"
    )
    assert copy.git("status", "--porcelain") == ""
    assert copy.git("log", "--format=%s", "-1", "2031.2.0") == "Release 2031.2.0"
    assert copy.git("tag", "--list", "--format=%(contents)", "2031.2.0") == "2031.2.0\n\n- 新的。"
    assert copy.git("diff", "--stat", "--name-only", "HEAD~1").count("\n") == 3


def test_releases_of_a_month_are_counted(copy: Copy) -> None:
    for tag in ("2031.2.0", "2031.2.9", "2031.2.10", "2031.20.50", "2030.2.11", "v2031.2.70"):
        copy.git("tag", tag)
    assert "Version 2031.2.11," in copy.release("--dry-run").stdout


def test_a_dry_run_changes_nothing(copy: Copy) -> None:
    done = copy.release("--dry-run")
    assert done.returncode == 0
    assert "新的" in done.stdout
    assert copy.git("status", "--porcelain") == ""
    assert copy.git("tag", "--list") == ""


def refused(copy: Copy, *arguments: str) -> str:
    """What a release says that is refused, and changes nothing."""
    before = copy.git("status", "--porcelain"), copy.git("rev-parse", "HEAD")
    done = copy.release(*arguments)
    assert done.returncode == 1
    assert (copy.git("status", "--porcelain"), copy.git("rev-parse", "HEAD")) == before
    assert copy.git("tag", "--list") == ""
    return done.stderr


def test_it_is_refused_with_a_reason(copy: Copy) -> None:
    assert "make test" in refused(copy)
    copy.write("new.txt", "new\n")
    assert "not committed" in refused(copy, "--tested")
    (copy.path / "new.txt").unlink()
    copy.git("switch", "--quiet", "--create", "work")
    assert "this is work" in refused(copy, "--tested")
    copy.git("switch", "--quiet", "main")
    copy.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## 2031.1.0\n\n- Old.\n")
    copy.git("commit", "--quiet", "--all", "--message=empty")
    assert "nothing stands under Unreleased" in refused(copy, "--tested")
    copy.write("CHANGELOG.md", "# Changelog\n")
    copy.git("commit", "--quiet", "--all", "--message=none")
    assert 'no section "## Unreleased"' in refused(copy, "--tested")


def test_a_hook_that_refuses_the_commit_leaves_everything_as_it_was(copy: Copy) -> None:
    hook = copy.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    assert "not today" in refused(copy, "--tested")


@pytest.mark.parametrize(
    ("kind", "version", "offered", "expected"),
    [
        ("package", "2.1.9", ["2.2"], "2.2.0"),
        ("package", "0.13", ["0.13.4"], None),
        ("package", "1.9", ["1.10.3"], "1.10"),
        ("action", "v5", ["v5", "v5.3.1", "v10", "v9.9.9", "nightly-20"], "v10"),
        ("action", "v5.1.2", ["v5.1.3"], "v5.1.3"),
        ("action", "v6", ["v5.9.9", "v6.4"], None),
        ("action", "v7.0.1", ["v8", "v7.2.0", "v7.10.0"], "v7.10.0"),
        ("bound", "1.21", ["1.21.3"], "1.22"),
        ("bound", "1.21", ["1.20.9"], None),
        ("bound", "4", ["4.1.2"], "5"),
        ("hook", "v0.17.6", ["v0.17.7", "0.18.0", "v0.18.0-rc1"], "v0.17.7"),
        ("image", "18", ["latest", "19-alpine", "19beta1", "19", "18.6"], "19"),
        ("image", "3.13-slim", ["3.14-slim", "3.15-rc-slim", "3.14"], "3.14-slim"),
        ("image", "18", [], None),
    ],
)
def test_a_pin_keeps_its_form(
    kind: str, version: str, offered: list[str], expected: str | None
) -> None:
    assert pins.newer(pins.Pin(kind, "x", version, "file", 0), offered) == expected


def test_every_place_with_a_version_of_others_is_found() -> None:
    found = {(pin.kind, pin.source, pin.file.rpartition("/")[2]) for pin in pins.find(REPOSITORY)}
    assert ("package", "sqlalchemy", "pyproject.toml") in found
    assert ("action", "actions/checkout", "ci.yml") in found
    bounds = {source for kind, source, _ in found if kind == "bound"}
    assert {"alembic", "sqlalchemy", "psycopg"} <= bounds
    assert bounds <= {pin.source for pin in pins.find(REPOSITORY) if pin.within}
    uv = {file for kind, source, file in found if (kind, source) == ("package", "uv")}
    assert {"Makefile", "setup.sh"} < uv and any("Dockerfile" in file for file in uv)
    # All of them are the same one.
    assert len({pin.version for pin in pins.find(REPOSITORY) if pin.source == "uv"}) == 1
    images = {file for kind, source, file in found if (kind, source) == ("image", "postgres")}
    assert any("compose.yaml" in file for file in images)
    assert any("Dockerfile" in file for file in images)
    assert any("gitlab-ci" in file for file in images)
    texts = [REPOSITORY / pin.file for pin in pins.find(REPOSITORY) if pin.kind == "action"]
    uses = sum(path.read_text(encoding="utf-8").count("uses: ") for path in set(texts))
    assert uses == len(texts)


class Registry(BaseHTTPRequestHandler):
    """Speaks as Docker's registry does: 401, a token, then the tags."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        host = f"http://{self.headers['Host']}"
        if path == "/token" and query == "service=images&scope=repository:library/postgres:pull":
            self.answer(200, {"token": "secret"})
        elif path != "/v2/library/postgres/tags/list":
            self.answer(404, {})
        elif self.headers["Authorization"] == "Bearer secret":
            self.answer(200, {"tags": ["18", "18.6", "latest", "99", "99-alpine"]})
        else:
            self.answer(401, {}, f'Bearer realm="{host}/token",service="images"')

    def answer(self, code: int, body: dict[str, object], who: str = "") -> None:
        self.send_response(code)
        if who:
            self.send_header("WWW-Authenticate", who)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def make_wheel(
    folder: Path, name: str, version: str, package: Path | None = None, *requires: str
) -> None:
    """Write a wheel with a package's files, or with none, that requires others."""
    folder.mkdir(exist_ok=True)
    information = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path in sorted(package.rglob("*.*")) if package else []:
            if path.is_file() and path.suffix != ".pyc":
                wheel.write(path, f"{name}/{path.relative_to(package or path).as_posix()}")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {each}\n" for each in requires)
        wheel.writestr(f"{information}/METADATA", metadata)
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")


@pytest.fixture
def elsewhere(tmp_path: Path, registry: str) -> tuple[list[str], dict[str, str | None]]:
    """Options and environment for sources on this machine: one package and one action are known."""
    action = tmp_path / "github/actions/checkout"
    action.mkdir(parents=True)
    for command in (
        "init --quiet",
        "commit --quiet --allow-empty --message=x",
        "tag v5",
        "tag v77",
        "tag --annotate --message=x v77.1.0",
    ):
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *author, *command.split()], cwd=action, check=True)
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "pydantic_settings", "9.8.7")
    options = [f"--github=file://{tmp_path}/github/", f"--registry={registry}"]
    # Offline and with an empty cache, uv knows that folder only.
    cache = str(tmp_path / "cache")
    return options, {"UV_FIND_LINKS": str(wheels), "UV_OFFLINE": "1", "UV_CACHE_DIR": cache}


def test_newer_versions_are_written_tried_and_shown(
    copy: Copy, elsewhere: tuple[list[str], dict[str, str | None]]
) -> None:
    options, env = elsewhere
    check = "--check=git diff --exit-code --quiet -- LICENSE"
    done = copy.bump(*options, check, env=env)
    # What could not be asked is said, with its reason, and seen in the exit code.
    assert done.returncode == 3, done.stdout + done.stderr
    assert "action actions/setup-python: git: fatal:" in done.stderr
    assert "package alembic: uv:" in done.stderr
    assert "pydantic-settings" not in done.stderr
    assert "image postgres" not in done.stderr
    for name in ("pyproject.toml", f"{TEMPLATE_FOLDER}/pyproject.toml"):
        assert '"pydantic-settings>=9.8"' in copy.read(name)
    action = options[0].removeprefix("--github=file://") + "actions/checkout"
    commit = subprocess.check_output(["git", "-C", action, "rev-parse", "HEAD"], encoding="utf-8")
    checkout = f"uses: actions/checkout@{commit.strip()} # v77.1.0"
    assert f"{checkout}\n" in copy.read(WORKFLOW)
    assert re.search(r"actions/setup-python@[0-9a-f]{40} # v7\.0\.0\n", copy.read(WORKFLOW))
    compose = next((copy.path / TEMPLATE_FOLDER).glob("*compose.yaml*"))
    assert "image: postgres:99\n" in compose.read_text(encoding="utf-8")
    assert "$ git diff --exit-code" in done.stdout
    assert f"+      - {checkout}" in done.stdout
    assert "MAJOR" in done.stdout
    assert copy.git("log", "--format=%s") == "first", "it commits nothing"
    again = copy.bump(*options, check, env=env)
    assert " 0 of them have something newer" in again.stdout
    assert again.returncode == 3


def test_a_check_that_fails_is_seen(
    copy: Copy, elsewhere: tuple[list[str], dict[str, str | None]]
) -> None:
    options, env = elsewhere
    done = copy.bump(*options, "--check=git diff --exit-code --quiet", "--check=never", env=env)
    assert done.returncode == 1
    assert "Failed with the new versions: git diff" in done.stderr
    assert " # v77.1.0" in done.stdout, "the diff is shown all the same"


def test_a_dry_run_of_bump_writes_nothing(
    copy: Copy, elsewhere: tuple[list[str], dict[str, str | None]]
) -> None:
    options, env = elsewhere
    done = copy.bump(*options, "--dry-run", env=env)
    assert "pydantic-settings" in done.stdout
    assert copy.git("status", "--porcelain") == ""


@pytest.fixture
def beyond() -> str:
    """A version of Alembic that is nowhere, in no cache of uv's either."""
    return f"99.{secrets.randbelow(10**9)}.0"


def test_a_version_beyond_the_bound_is_tried_and_what_broke_is_named(
    copy: Copy, beyond: str, tmp_path: Path
) -> None:
    make_wheel(tmp_path / "wheels", "alembic", beyond)  # it has nothing in it
    env = {"UV_FIND_LINKS": str(tmp_path / "wheels")}
    done = copy.bump("--only=alembic", "--check=never", env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Trying the library with alembic=={beyond}" in done.stdout
    for name in (
        "alembic.autogenerate.render._repr_type",
        "alembic.script.ScriptDirectory._upgrade_revs",
        "alembic.script.revision.Revision._orig_branch_labels",
    ):
        assert f"alembic=={beyond}: it has no {name}\n" in done.stderr
    assert copy.git("status", "--porcelain") == ""


def test_a_bound_is_raised_when_the_library_works_beyond_it(
    copy: Copy, beyond: str, tmp_path: Path
) -> None:
    shutil.rmtree(copy.path / "library/tests", ignore_errors=True)  # they have a run of their own
    package = Path(alembic.__file__).parent
    make_wheel(tmp_path / "wheels", "alembic", beyond, package, "mako", "sqlalchemy")
    env = {"UV_FIND_LINKS": str(tmp_path / "wheels")}
    done = copy.bump("--only=alembic", "--check=git diff --quiet -- LICENSE", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"The library works with alembic=={beyond}." in done.stdout
    bound = f"99.{int(beyond.split('.')[1]) + 1}"
    assert re.search(rf'"alembic\[tz\]>=[\d.]+,<{bound}"', copy.read("library/pyproject.toml"))


def test_an_older_version_shows_what_it_lacks(copy: Copy) -> None:
    done = copy.bump("--try=alembic==1.16.5")
    assert done.returncode == 1
    assert "alembic==1.16.5: it has no alembic.runtime.plugins.Plugin\n" in done.stderr
    assert "_upgrade_revs" not in done.stderr
    absent = copy.bump("--try=alembic==0.0.0")
    assert absent.returncode == 1
    assert "alembic==0.0.0: it cannot be installed: " in absent.stderr


def test_make_has_both() -> None:
    done = subprocess.run(
        ["make", "help"], cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True
    )
    assert "release" in done.stdout
    assert "bump" in done.stdout
