"""The CI files: valid, careful with production, and their scripts run on a real git history."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tests.conftest import REPOSITORY, Render, Renderer, Rendering, users_environment
from tests.pipelines.test_containers import check_schema, deploy_budget

FILES = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml"}
CONTRACT = "deploy-contract"  # GitLab's second one
DEPLOY_SETUP = "make setup only=deploy"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git knows it without any object
SECRETS = {"github": "DATABASE_URL", "gitlab": "PRODUCTION_DATABASE_URL"}
REVISION = '''"""add {table}"""

import sqlalchemy as sa
from alembic import op

revision = "{table}"
down_revision = "{before}"
branch_labels = None
depends_on = None
phase = "{phase}"


def upgrade() -> None:
    op.create_table("{table}", sa.Column("n", sa.Integer()))


def downgrade() -> None:
    op.drop_table("{table}")
'''


def pipeline(project: Rendering) -> dict[Any, Any]:
    """What the CI file says."""
    found = yaml.safe_load(project.read(FILES[str(project.answers["ci"])]))
    assert isinstance(found, dict)
    return found


def jobs(project: Rendering) -> dict[str, Any]:
    """The jobs by name, with what they extend."""
    found = pipeline(project)
    if "jobs" in found:
        return dict(found["jobs"])
    return {name: whole(job, found) for name, job in found.items() if name != "workflow"}


def whole(job: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """A job of GitLab's with what it has from the one that it extends; maps are merged."""
    if "extends" not in job:
        return job
    other = whole(others[job["extends"]], others)
    both = {
        key: other[key] | job[key]
        for key in other.keys() & job.keys()
        if isinstance(job[key], dict) and isinstance(other[key], dict)
    }
    return other | job | both


def deploys(project: Rendering) -> dict[str, Any]:
    """The jobs that change production."""
    return {name: job for name, job in jobs(project).items() if name.startswith("deploy")}


@pytest.fixture(params=[(ci, db) for ci in FILES for db in ("postgresql", "sqlite")])
def project(request: pytest.FixtureRequest, rendered: Render) -> Rendering:
    """A rendering to read only, for each kind of CI and database."""
    ci, database = request.param
    return rendered(ci=ci, database=database)


def test_it_is_valid(project: Rendering) -> None:
    if project.answers["ci"] == "github":
        for path in sorted((project.path / FILES["github"]).parent.glob("*.yml")):
            check_schema("vendor.github-workflows", path)
    else:
        transform = ("--data-transform", "gitlab-ci")
        check_schema("vendor.gitlab-ci", project.path / FILES["gitlab"], *transform)


def test_only_a_file_on_a_server_is_not_deployed(project: Rendering) -> None:
    """No runner has the disk that an SQLite database lies on."""
    expected = {"test", "plan"}
    if project.answers["database"] == "postgresql":
        expected |= {"review"}
    if project.answers["database"] == "postgresql":
        expected |= (
            {"deploy"} if project.answers["ci"] == "github" else {"deploy", CONTRACT, "rehearse"}
        )
    assert set(jobs(project)) == expected


@pytest.mark.parametrize("ci", FILES)
def test_one_deploy_at_a_time_by_hand_and_never_cut_short(ci: str, rendered: Render) -> None:
    project = rendered(ci=ci, database="postgresql")
    for job in deploys(project).values():
        check_deploy(project, job)
    if ci == "gitlab":  # the second one cannot be started before the first one has ended well
        assert jobs(project)[CONTRACT]["needs"] == ["deploy"]
    else:
        phase = pipeline(project)[True]["workflow_dispatch"]["inputs"]["phase"]
        assert (phase["type"], phase["default"]) == ("choice", "expand")
        assert phase["options"] == ["expand", "contract", "all"]


def check_deploy(project: Rendering, job: dict[str, Any]) -> None:
    """What every job has that changes production."""
    assert job["environment"] == "production"
    if project.answers["ci"] == "github":
        assert job["concurrency"]["cancel-in-progress"] is False
        assert "github.event_name == 'workflow_dispatch'" in job["if"]
        assert "github.ref == 'refs/heads/main'" in job["if"]
        assert "workflow_dispatch" in pipeline(project)[True]  # YAML reads `on` so
        assert job["needs"] == "test"
        minutes = job["timeout-minutes"]
    else:
        assert job["resource_group"] == "production"
        assert job["interruptible"] is False
        [rule] = job["rules"]
        assert rule == {"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", "when": "manual"}
        minutes = int(job["timeout"].removesuffix(" minutes"))
    assert minutes * 60 > deploy_budget(project)


@pytest.mark.parametrize("ci", FILES)
def test_production_is_known_to_its_job_only(ci: str, rendered: Render) -> None:
    """A test that got production's URL would migrate it, and write into it."""
    project = rendered(ci=ci, database="postgresql")
    for name, job in jobs(project).items():
        text = yaml.safe_dump(job)
        known = "PRODUCTION_DATABASE_URL" in text or "secrets." in text
        assert known == (name in deploys(project))
    if ci == "github":
        assert pipeline(project)["permissions"] == {"contents": "read"}
        for name, job in jobs(project).items():
            steps = job["steps"]
            checkouts = [step for step in steps if "actions/checkout@" in step.get("uses", "")]
            kept = [step["with"]["persist-credentials"] for step in checkouts]
            # Who may write comments runs nothing of the branch.
            assert kept == ([] if name == "review" else [False])
            assert ("permissions" in job) == (name == "review")
            # What a pull request is called must not become a part of a script.
            assert not [step for step in steps if "${{" in step.get("run", "")]
        # Packages that are being installed need not know where production is.
        steps = jobs(project)["deploy"]["steps"]
        told = [step["name"] for step in steps if "secrets." in yaml.safe_dump(step)]
        assert told == ["Plan", "Deploy"]


@pytest.mark.parametrize("ci", FILES)
def test_each_job_installs_what_it_needs_from_the_lock(ci: str, rendered: Render) -> None:
    """What a runner sets, CI, makes `make setup` obey the lock: tests/pipelines/test_setup.py."""
    project = rendered(ci=ci, database="postgresql")
    for name, job in jobs(project).items():
        if name == "review":
            continue
        steps = [step.get("run", "") for step in job.get("steps", [])] or job["script"]
        installs = [step for step in steps if re.search(r"\b(pip|uv|make setup)\b", step)]
        assert installs == [DEPLOY_SETUP if name in deploys(project) else "make setup"]


def test_actions_are_pinned_and_zizmor_has_nothing_to_say(rendered: Render) -> None:
    own = REPOSITORY / ".github"
    folders = [
        rendered(ci="github", database=db).path / ".github" for db in ("postgresql", "sqlite")
    ]
    for folder in (own, *folders):
        text = (folder / "workflows/ci.yml").read_text(encoding="utf-8")
        pinned = re.findall(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\n", text)
        assert len(pinned) == text.count("uses:") > 0
        done = subprocess.run(
            [Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", folder],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "No findings" in done.stdout


def test_newer_versions_are_proposed(rendered: Render) -> None:
    github, gitlab = rendered(ci="github"), rendered(ci="gitlab")
    check_schema("vendor.dependabot", github.path / ".github/dependabot.yml")
    updates = yaml.safe_load(github.read(".github/dependabot.yml"))["updates"]
    assert [each["package-ecosystem"] for each in updates] == ["uv", "github-actions"]
    assert all(each["cooldown"]["default-days"] >= 7 for each in updates)
    check_schema("vendor.renovate", gitlab.path / "renovate.json")
    renovate = json.loads(gitlab.read("renovate.json"))
    assert renovate["ignorePaths"] == ["vendor/**"]  # it comes with updates of the template
    assert not (github.path / "renovate.json").exists()
    without = rendered(ci="none")
    assert not (without.path / ".github").exists() and not (without.path / "renovate.json").exists()


def git(folder: Path, *arguments: str) -> str:
    """Runs git, as somebody with a name."""
    done = subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments],
        cwd=folder,
        env=users_environment({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Repository:
    """A project in a git repository: main, and a branch with more."""

    project: Rendering
    scratch: Path

    def add_revision(self, table: str, before: str, phase: str = "") -> str:
        """Commits a revision that creates `table`; returns the commit."""
        self.write_revision(table, before, phase)
        return self.commit(table)

    def write_revision(self, table: str, before: str, phase: str) -> Path:
        """Writes a revision that creates `table`."""
        file = self.project.path / f"migrations/versions/{table}.py"
        text = REVISION.format(table=table, before=before, phase=phase)
        file.write_text(text, encoding="utf-8")
        return file

    def commit(self, message: str) -> str:
        """Commits everything; returns the commit."""
        git(self.project.path, "add", ".")
        git(self.project.path, "commit", "--quiet", "--allow-empty", "-m", message)
        return git(self.project.path, "rev-parse", "HEAD")

    def run(self, script: str, options: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a job's script as the runner does.

        Args:
            script: what the file says.
            options: of bash.
            env: what the runner and the job set.
        """
        self.project.used = True
        return subprocess.run(
            ["bash", "--noprofile", "--norc", options, *(["-o", "pipefail"]), "-c", script],
            cwd=self.project.path,
            env=users_environment({"CI": "true", **env}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def plan(self, base: str, merged: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs the job `plan` for a request to merge what is checked out into main.

        Args:
            base: the commit that main is at.
            merged: whether GitLab knows it, as in pipelines on the merged result.
        """
        self.start_afresh()
        git(self.project.path, "update-ref", "refs/remotes/origin/main", base)
        runner = self.scratch / f"runner-{len(list(self.scratch.iterdir()))}"
        runner.mkdir()
        job = jobs(self.project)["plan"]
        if self.project.answers["ci"] == "github":
            [step] = [step for step in job["steps"] if step.get("name") == "Plan"]
            done = self.run(
                step["run"],
                "-e",
                RUNNER_TEMP=str(runner),
                GITHUB_BASE_REF="main",
                GITHUB_STEP_SUMMARY=str(runner / "summary.md"),
                **job["env"],
            )
            summary = runner / "summary.md"
            if done.returncode == 0:
                assert self.read("plan.txt").strip() in summary.read_text(encoding="utf-8")
                assert self.read("plan.sql").strip() in summary.read_text(encoding="utf-8")
                linted = self.review(job, summary)
                assert linted.returncode == 0, linted.stdout + linted.stderr
            return done
        lines = [line for line in job["script"] if line != "make setup"]
        return self.run(
            "\n".join(lines),
            "-e",
            TMPDIR=str(runner),
            CI_MERGE_REQUEST_TARGET_BRANCH_SHA=base if merged else "",
            CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
            **job["variables"],
        )

    def review(self, job: dict[str, Any], summary: Path) -> subprocess.CompletedProcess[str]:
        """Runs the steps that lint on GitHub, as after a failure; returns how lint ended."""
        (self.project.path / "review.md").unlink(missing_ok=True)
        steps = {step.get("name"): step for step in job["steps"]}
        env = {"GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": str(summary), **job["env"]}
        linted = self.run(steps["Lint"]["run"], "-e", **env)
        assert steps["Review"]["if"] == "always()"
        shown = self.run(steps["Review"]["run"], "-e", **env)
        assert shown.returncode == 0, shown.stderr
        assert self.read("review.md") in summary.read_text(encoding="utf-8")
        return linted

    def start_afresh(self) -> None:
        """Takes away what a runner does not have when it starts."""
        for file in ("plan.txt", "plan.sql", "my_service.db"):
            (self.project.path / file).unlink(missing_ok=True)
        if self.project.answers["database"] == "postgresql":
            url = self.project.make("-s db-url").strip().replace("+psycopg", "")
            with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
                connection.execute("DROP DATABASE my_service WITH (FORCE)")

    def read(self, name: str) -> str:
        """The text of a file, or nothing if it is not there."""
        return self.project.read(name) if (self.project.path / name).exists() else ""


@pytest.fixture(scope="module", params=[("github", "postgresql"), ("gitlab", "sqlite")])
def repository(
    request: pytest.FixtureRequest, renderer: Renderer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repository]:
    with renderer.stopping():
        ci, database = request.param
        project = renderer.ready(ci=ci, database=database)
        git(project.path, "init", "--quiet", "--initial-branch=main")
        (project.path / ".git/info/exclude").write_text(".venv\n", encoding="utf-8")
        yield Repository(project, tmp_path_factory.mktemp("runners"))


def test_a_plan_is_what_the_branch_adds(repository: Repository) -> None:
    path = repository.project.path
    repository.commit("the first version")
    base = repository.add_revision("apples", "5f2c81d0a7e4")

    git(path, "switch", "--quiet", "--create", "branch")
    repository.add_revision("pears", "apples")
    done = repository.plan(base, merged=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if repository.project.answers["database"] == "postgresql":
        review = repository.read("review.md")
        assert "1 revision that this checkout" in review or "1 revision that branch" in review
        assert "add pears" in review and "add apples" not in review
    text, statements = repository.read("plan.txt"), repository.read("plan.sql")
    assert "pears" in text and text in done.stdout
    assert "CREATE TABLE pears" in statements
    for other in ("CREATE TABLE apples", "CREATE TABLE users"):
        assert other not in statements
    assert "add apples" not in text

    # On main a commit came in between: what is planned is the two together.
    git(path, "switch", "--quiet", "main")
    (path / "notes.txt").write_text("notes", encoding="utf-8")
    moved = repository.commit("notes")
    git(path, "merge", "--quiet", "--no-ff", "-m", "merged", "branch")
    done = repository.plan(moved)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CREATE TABLE pears" in repository.read("plan.sql")
    assert "CREATE TABLE apples" not in repository.read("plan.sql")

    # A branch with nothing for the database.
    at = git(path, "rev-parse", "HEAD")
    done = repository.plan(at)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CREATE" not in repository.read("plan.txt") + repository.read("plan.sql")

    # One without a revision that main has, so that production could not follow.
    (path / "migrations/versions/pears.py").unlink()
    repository.commit("no pears")
    done = repository.plan(at)
    assert done.returncode not in (0, 3), done.stdout + done.stderr
    assert "pears" in done.stderr


def test_a_plan_for_the_first_branch_of_all(repository: Repository) -> None:
    """Main is empty, so everything is new."""
    path = repository.project.path
    everything = repository.commit("everything")
    empty = git(path, "commit-tree", EMPTY_TREE, "-m", "empty")
    first = git(path, "commit-tree", f"{everything}^{{tree}}", "-p", empty, "-m", "first")
    git(path, "switch", "--quiet", "--detach", first)
    done = repository.plan(empty)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CREATE TABLE users" in repository.read("plan.sql")


@pytest.fixture(scope="module", params=FILES)
def deployable(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready(ci=request.param, database="postgresql")


@pytest.fixture
def production(deployable: Rendering) -> Iterator[str]:
    """The URL of an empty database."""
    server = deployable.make("-s db-url").strip().replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE production")
        yield server.rpartition("/")[0] + "/production"
        connection.execute("DROP DATABASE production WITH (FORCE)")


def deploy(repository: Repository, url: str, phase: str) -> str:
    """Runs the job that deploys a phase; returns what it printed."""
    project, scratch = repository.project, repository.scratch
    found = jobs(project)
    # The tables of these tests are in no model.
    env = {"MIGRATOR_DRIFT": "false"}
    if project.answers["ci"] == "github":
        job = found["deploy"]
        env |= {"MIGRATOR_BACKUP": "false", "MIGRATOR_BACKUP_FOLDER": ""}
        assert set(env) < {*job["env"], "MIGRATOR_DRIFT"}
        env |= {"MIGRATOR_PG_BIN": job["env"]["MIGRATOR_PG_BIN"]}
        env |= {"GITHUB_STEP_SUMMARY": str(scratch / "summary.md")}
        runs = []
        for step in job["steps"]:
            if step.get("name") in ("Plan", "Deploy"):
                given = {"${{ secrets.DATABASE_URL }}": url, "${{ inputs.phase }}": phase}
                own = {name: given[value] for name, value in step["env"].items()}
                runs.append(repository.run(step["run"], "-e", **env, **own))
        assert "Database migration" in (scratch / "summary.md").read_text(encoding="utf-8")
    else:
        job = found[{"expand": "deploy", "contract": CONTRACT}[phase]]
        lines = [line for line in job["script"] if line != DEPLOY_SETUP]
        env |= {"PRODUCTION_DATABASE_URL": url, **job["variables"]}
        runs = [repository.run("\n".join(lines), "-e", **env)]
    for done in runs:
        assert done.returncode == 0, done.stdout + done.stderr
    return "".join(done.stdout for done in runs)


def at(url: str) -> list[str]:
    """The revisions that a database is at."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return [row[0] for row in rows]


def test_a_deploy_brings_production_to_main_in_two_phases(
    deployable: Rendering, production: str, tmp_path: Path
) -> None:
    repository = Repository(deployable, tmp_path)
    deploy(repository, production, "expand")
    assert "teams" in repository.read("plan.txt")
    assert at(production) == ["5f2c81d0a7e4"]
    files = [
        repository.write_revision("apples", "5f2c81d0a7e4", "expand"),
        repository.write_revision("pears", "apples", "contract"),
    ]
    try:
        printed = deploy(repository, production, "expand")
        assert "applied apples" in printed
        plan = repository.read("plan.txt")
        assert "[expand]" in plan and "[contract]" in plan
        assert at(production) == ["apples"]
        assert "--phase contract" in deploy(repository, production, "expand")
        assert at(production) == ["apples"]
        assert "applied pears" in deploy(repository, production, "contract")
        assert at(production) == ["pears"]
        deploy(repository, production, "contract")
        assert "Nothing" in repository.read("plan.txt")
    finally:
        for file in files:
            file.unlink()


def test_a_deploy_of_all_phases(deployable: Rendering, production: str, tmp_path: Path) -> None:
    """On GitLab that is one job after the other."""
    repository = Repository(deployable, tmp_path)
    github = deployable.answers["ci"] == "github"
    deploy(repository, production, "expand")
    files = [
        repository.write_revision("apples", "5f2c81d0a7e4", "contract"),
        repository.write_revision("pears", "apples", "expand"),
    ]
    try:
        deploy(repository, production, "all" if github else "contract")
        assert at(production) == ["pears"]
    finally:
        for file in files:
            file.unlink()


@pytest.mark.parametrize("ci", FILES)
def test_the_pages_say_what_the_jobs_want(ci: str, rendered: Render) -> None:
    project = rendered(ci=ci, database="postgresql")
    wanted = re.findall(r"secrets\.(\w+)|\$(\w+_DATABASE_URL)", project.read(FILES[ci]))
    others = {"REHEARSAL_DATABASE_URL"} if ci == "gitlab" else set()
    assert {name for names in wanted for name in names if name} == {SECRETS[ci]} | others
    assert all(f"`{name}`" in project.read("docs/rehearsal.md") for name in others)
    for page in ("README.md", "docs/production.md", "docs/zh/migrations.md"):
        text = project.read(page)
        assert f"]({'../' * page.count('/')}{FILES[ci]})" in text, page
        assert f"`{SECRETS[ci]}`" in text, page
        named = ("`deploy`", f"`{CONTRACT}`") if ci == "gitlab" else ("`expand`", "`contract`")
        assert all(name in text for name in named), page
        if ci == "github":
            assert re.search(r'environment\s+"production"|环境 production', text), page
