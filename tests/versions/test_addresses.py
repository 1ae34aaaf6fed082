"""How a database is named: several hosts, a service, a socket, a certificate that is verified.

Each works for a deploy, its backup and a restore.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from migrator.devserver import binaries, server_programs
from tests.conftest import LEFT_OUT, Renderer, Rendering
from tests.deploy.deploying import Stage, execute
from tests.versions.server import Server, serving

VERSION = 15
HBA = """
local all all trust
hostnossl secure all all reject
host all all all trust
"""
PLAIN = "sslmode=disable"  # the development server's programs can have no other
TABLE = execute("CREATE TABLE made (n int)")


@dataclass(frozen=True)
class Secured:
    """A server with a certificate of its own authority; `secure` takes encrypted connections."""

    server: Server
    authority: Path
    other: Path


@pytest.fixture(scope="module")
def secured(renderer: Renderer) -> Iterator[Secured]:
    folder = (renderer.memory or renderer.scratch) / "certificates"
    folder.mkdir()
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    trustme.CA().cert_pem.write_to_path(str(folder / "other.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(folder / "certificate.pem"), append=True)
    (folder / "hba").write_text(HBA)
    who = server_programs.account(renderer.shared, renderer.shared)
    for path in (folder, *folder.iterdir()):
        os.chown(path, who.uid, who.gid)
        path.chmod(0o755 if path.is_dir() else 0o600)
    settings = {
        "ssl": "on",
        "ssl_cert_file": str(folder / "certificate.pem"),
        "ssl_key_file": str(folder / "key.pem"),
        "hba_file": str(folder / "hba"),
    }
    with serving(renderer, VERSION, settings) as server:
        for name in ("authority.pem", "other.pem"):
            (folder / name).chmod(0o644)
        yield Secured(server, folder / "authority.pem", folder / "other.pem")
    shutil.rmtree(folder)


@pytest.fixture
def names(request: pytest.FixtureRequest) -> str:
    """The name of the database of a test."""
    return str(getattr(request, "param", "deployed"))


@pytest.fixture
def stage(project: Rendering, secured: Secured, names: str, tmp_path: Path) -> Iterator[Stage]:
    """The project with an empty database; a test sets the URL."""
    server = secured.server
    server.run(f"CREATE DATABASE {names} TEMPLATE template0")
    stage = Stage(project, server.url("postgres"), server.url(names) + f"?{PLAIN}")
    stage.history(TABLE)
    try:
        yield stage
    finally:
        for path in stage.files:
            path.unlink(missing_ok=True)
        for name in (names, f"{names}_restored"):
            server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def there_and_back(stage: Stage, folder: Path, url: str, **variables: str) -> str:
    """A deploy with a backup, and the restore that it prints; returns what was said."""
    environment: dict[str, Any] = {"DATABASE_URL": url, **variables}
    settings: dict[str, Any] = {
        "MIGRATOR_BACKUP": "true",
        "MIGRATOR_BACKUP_FOLDER": str(folder),
        **environment,
    }
    said = stage.run(**settings)
    assert "applied step1" in said
    said += stage.run("--output", str(folder / "it.dump"), command="backup", **environment)
    (into,) = re.findall(r"restore \S+ --into (\S+)", said)
    assert into in ("deployed_restored", "secure_restored")
    said += stage.run(
        str(folder / "it.dump"), "--into", into, "--yes", command="restore", **settings
    )
    assert f"Restored into {into}: 3 tables, at step1" in said
    return said


# PORT is the server's, at DEAD nobody listens. How URLs are read: library/tests/test_urls.py.
SEVERAL = {
    "libpq": "postgresql://postgres:pw@[::1]:DEAD,localhost:PORT/deployed?",
    "SQLAlchemy": "postgresql+psycopg://postgres:pw@/deployed?host=127.0.0.1:DEAD"
    "&host=127.0.0.1:PORT&target_session_attrs=read-write&",
}


@pytest.mark.parametrize("form", SEVERAL)
def test_several_hosts(stage: Stage, secured: Secured, tmp_path: Path, form: str) -> None:
    port = str(secured.server.port)
    dead = str(server_programs.free_port())
    url = SEVERAL[form].replace("PORT", port).replace("DEAD", dead) + PLAIN
    said = there_and_back(stage, tmp_path, url)
    place = "localhost" if "localhost" in url else "127.0.0.1"
    assert f"postgresql://postgres:***@{place}:{port}/deployed answers" in said
    assert "pw@" not in said


def test_of_several_hosts_the_one_that_can_be_written(
    stage: Stage, renderer: Renderer, secured: Secured, tmp_path: Path
) -> None:
    """The first one answers, and is read-only, as a standby is."""
    with serving(renderer, VERSION, {"default_transaction_read_only": "on"}) as standby:
        places = f"127.0.0.1:{standby.port},127.0.0.1:{secured.server.port}"
        url = f"postgresql://postgres@{places}/deployed?{PLAIN}"
        said = there_and_back(stage, tmp_path, url)
        assert f":{secured.server.port}/deployed answers" in said
        # None of them is right: said with all of them.
        url = f"postgresql://postgres:pw@127.0.0.1:{standby.port},127.0.0.1:1/postgres?{PLAIN}"
        said = stage.run(code=1, DATABASE_URL=url, MIGRATOR_WAIT_TIMEOUT="1")
        assert f"postgresql+psycopg://postgres:***@127.0.0.1:{standby.port},127.0.0.1:1/" in said
        assert "session is read-only" in said


def test_a_service(stage: Stage, secured: Secured, tmp_path: Path) -> None:
    """Who, where and which database are in a file only."""
    service = tmp_path / "services"
    service.write_text(
        f"[prod]\nhost=127.0.0.1\nport={secured.server.port}\nuser=postgres\ndbname=deployed\n"
        f"password=pw\n{PLAIN}\n"
    )
    said = there_and_back(
        stage, tmp_path, "postgresql:///?service=prod", PGSERVICEFILE=str(service)
    )
    assert f"postgresql://postgres@127.0.0.1:{secured.server.port}/deployed answers" in said
    assert "set DATABASE_URL to postgresql+psycopg:///deployed_restored?service=prod." in said


def test_a_socket(stage: Stage, secured: Secured, tmp_path: Path) -> None:
    folder = str(secured.server.sockets).replace("/", "%2F")
    url = f"postgresql://postgres@{folder}:{secured.server.port}/deployed"
    said = there_and_back(stage, tmp_path, url)
    assert f"postgresql://postgres@/deployed?host={folder} answers" in said


@pytest.mark.parametrize("names", ["secure"], indirect=True)
def test_a_certificate_that_is_verified(
    stage: Stage, secured: Secured, tmp_path: Path, names: str
) -> None:
    url = f"postgresql://postgres@localhost:{secured.server.port}/secure?sslmode=verify-full"
    said = stage.run(code=1, DATABASE_URL=f"{url}&sslrootcert={secured.other}")
    assert "certificate verify failed" in said
    # The development server's programs cannot encrypt.
    known = f"{url}&sslrootcert={secured.authority}"
    said = stage.run(
        code=1, DATABASE_URL=known, MIGRATOR_BACKUP="true", MIGRATOR_PG_BIN=str(binaries())
    )
    assert "was built without OpenSSL" in said
    assert stage.run(command="plan", code=3, DATABASE_URL=known)
    if not can_encrypt():
        pytest.skip(f"{LEFT_OUT}encrypted backups (no pg_dump {VERSION} or newer on PATH)")
    there_and_back(stage, tmp_path, known)


def can_encrypt() -> bool:
    """Whether there is a pg_dump for this server besides the development server's."""
    program = shutil.which("pg_dump", path=os.environ["PATH"])
    if not program:
        return False
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return found is not None and int(found[1]) >= VERSION
