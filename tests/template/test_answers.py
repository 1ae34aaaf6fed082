"""Answers: what is accepted arrives unchanged, what cannot be carried is refused in one sentence.

Accepted renderings are compared with a harmless one: where that has its marker, the other must have
the answer, and nothing else may differ.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import string
import subprocess
import tomllib
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.conftest import (
    QUESTIONS,
    REPOSITORY,
    Command,
    Render,
    Renderer,
    Rendering,
    files_of,
    literally,
)

SLUG = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
RESERVED = json.loads((REPOSITORY / "cookiecutter.json").read_bytes())["_reserved"]
FREE_TEXT = ("project_name", "description", "author")
MARKERS = {name: f"Marker{name.title().replace('_', '')}" for name in FREE_TEXT}

ACCEPTED = {
    "quotes": """He said "it's" and 'that' and `this`""",
    "three quotes": "''' \"\"\" ```",
    "backslashes": r"C:\new\table \u0041 \N{BULLET} \\server\share",
    "last backslash": "ends with \\",
    "quote, backslash": '\\" \\\\"',
    "expression": "{{ 7*7 }}",
    "statement": "{% for x in y %} {%- endif -%} {# comment #}",
    "braces": "}} { {} }{ %} ${{ secrets.TOKEN }}",
    "percent": "100% %(here)s %d %%",
    "dollars": "$HOME ${HOME:-x} $(id) $$ $@ $a$",
    "hash": "C# # no comment #",
    "yaml": "key: value, - item, [a, b], {c: d}, &anchor *alias !tag | >",
    "item": "- item",
    "number": "1. item",
    "other number": "2) item",
    "plus": "+ item",
    "quotation": "> quotation",
    "rule": "---",
    "underline": "===",
    "tilde": "~~~ ~~struck~~ ~",
    "code": "`code` ``more``",
    "emphasis": "*a* **b** _c_ __d__ a*b*c",
    "link": "[text](https://example.com) ![image](x.png) [ref][] [^1]",
    "reference": "[text]: https://example.com",
    "bare link": "https://example.com/?a=b&c=d www.example.com <https://example.com>",
    "address": "Jane Doe <jane@example.com>, @jane",
    "html": "<b>bold</b> <!-- comment --> <script>alert(1)</script>",
    "entity": "&amp; &#65; &lt; &copy",
    "table": "a | b |--|",
    "boolean": "yes",
    "null": "null",
    "hexadecimal": "0x10",
    "date": "2026-11-22",
    "formula": "=cmd|' /C calc'!A0",
    "make": "$(shell id) $(MAKE) ;",
    "shell": "; id | tee x && false || true # `id`",
    "sql": "Robert'); DROP TABLE students;--",
    "emoji": "\U0001f680 \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 "
    "\U0001f1ea\U0001f1fa 1\ufe0f\u20e3 \U0001f3f4\U000e0067\U000e0062\U000e007f",
    "newest emoji": "\U0001fac8",
    "chinese": "用户服务,与“数据库”",
    "hebrew": "שירות הלקוחות (בטא)",
    "arabic": "خدمة العملاء، ١٢٣",
    "direction marks": "a\u200eb\u200fc\u061cd",
    "combining": "Zo\u0308e\u0301 \u0e19\u0e49\u0e33 e\u0323\u0302",
    "no normal form": "\u212b \ufb01 \u00e9 e\u0301",
    "spaces": "a  b\u00a0c\u3000d\u200be",
    "private use": "\ue0b0 \U0010fffd",
    "one letter": "x",
    "longest": "W" * 80,
    "longest emoji": "\U0001f680" * 80,
}

TOO_LONG = {"project_name": 81, "description": 301, "author": 121}
REFUSED_TEXT: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "at least one letter"),
    "blank": ("  ", "at least one letter"),
    "invisible": ("\u200b\u200d", "at least one letter"),
    "filler of Hangul": ("\u3164", "at least one letter"),
    "half filler of Hangul": ("\uffa0", "at least one letter"),
    "fillers and marks": ("\u115f\u1160\u200b\u0308", "at least one letter"),
    "Braille without dots": ("\u2800", "at least one letter"),
    "tags": ("\U000e0067\U000e007f", "character 1 (U+E0067)"),
    "tags in text": ("a\U000e0067b", "character 2 (U+E0067)"),
    "flag without an end": ("\U0001f3f4\U000e0067", "character 2 (U+E0067)"),
    "annotation": ("\ufff9a\ufffab\ufffb", "character 1 (U+FFF9)"),
    "space first": (" x", "take that away"),
    "space last": ("x ", "take that away"),
    "wide space first": ("\u3000x", "take that away"),
    "newline": ("a\nb", "character 2 (U+000A)"),
    "newline last": ("a\n", "character 2 (U+000A)"),
    "carriage return": ("a\rb", "character 2"),
    "tab": ("a\tb", "character 2 (U+0009)"),
    "escape": ("\x1b[31mred", "character 1 (U+001B)"),
    "delete": ("a\x7f", "character 2 (U+007F)"),
    "next line": ("a\x85b", "character 2 (U+0085)"),
    "line separator": ("a\u2028b", "character 2 (U+2028)"),
    "paragraph separator": ("a\u2029b", "character 2 (U+2029)"),
    "right-to-left override": ("a\u202eb", "character 2 (U+202E)"),
    "embedding": ("a\u202bb", "character 2 (U+202B)"),
    "isolate": ("a\u2067b", "character 2 (U+2067)"),
    "byte order mark": ("a\ufeffb", "character 2 (U+FEFF)"),
    "no character": ("a\uffffb", "character 2 (U+FFFF)"),
    "other no character": ("a\U0003fffeb", "character 2 (U+3FFFE)"),
    "not UTF-8": (b"a\xffb", "character 2 (U+DCFF)"),
    "expression": ("{{ 7*7 }}", "at the prompt"),
    "comment": ("a {# b #} c", "at the prompt"),
    "statement": ("{% if 1 %}yes{% endif %}", "at the prompt"),
}

REFUSED_SLUGS = {
    "": "small letters",
    ".": "small letters",
    "..": "small letters",
    "../up": "small letters",
    "in/side": "small letters",
    "My_Service": "small letters",
    "my-service": "small letters",
    "my service": "small letters",
    "my.service": "small letters",
    "2048": "small letters",
    "_private": "small letters",
    "trailing_": "small letters",
    "two__underscores": "small letters",
    "größe": "small letters",
    "服务": "small letters",
    "newline\n": "small letters",
    "quote'": "small letters",
    'quote"': "small letters",
    "$(id)": "small letters",
    "{{ 7*7 }}": "small letters",
    "a" * 41: "40",
    "pg_stat": "'stat'",
    "app": "'service_app'",
    "tests": "'service_tests'",
    "alembic": "'service_alembic'",
    "typing_extensions": "'service_typing_extensions'",
    "dotenv": "'service_dotenv'",
    "select": "'service_select'",
    "user": "'service_user'",
    "postgres": "'service_postgres'",
    "template1": "'service_template1'",
    "nul": "'service_nul'",
    "no": "'service_no'",
    "public": "'service_public'",
    "none": "'service_none'",
}

# What cookiecutter takes for Jinja and cannot run, so that no hook ever sees it.
NO_JINJA = {
    "open": "{{",
    "open statement": "{%",
    "end of raw": "{% endraw %}",
    "secret of a workflow": "${{ secrets.TOKEN }}",
    "unknown name": "${{ x }}",
    "comment": "[[Wiki]] {#id .cls}",
}

DERIVED_SLUGS = {
    "My Service": "my_service",
    "我的服务": "wo_de_fu_wu",
    "Größe & Maß": "grosse_mass",
    'Bob\'s "best" shop, Ltd. (beta)': "bob_s_best_shop_ltd_beta",
    "--- C# / .NET! ---": "c_net",
    "2048 Game": "service_2048_game",
    "\U0001f680": "service",
    "???": "service",
    "Tests": "service_tests",
    "Public": "service_public",
    "None": "service_none",
    "SQLAlchemy": "service_sqlalchemy",
    "Typing-Extensions": "service_typing_extensions",
    "Select": "service_select",
    "User": "service_user",
    "PG Stat": "service_pg_stat",
    "x" * 80: "x" * 40,
    "a" * 39 + " bc": "a" * 39,
}


def substituted(value: Any, texts: dict[str, str]) -> Any:
    """`value` with the answers `texts` in place of the markers, however deep they are."""
    if isinstance(value, str):
        for name, marker in MARKERS.items():
            value = value.replace(marker, texts[name])
        return value
    if isinstance(value, list):
        return [substituted(item, texts) for item in value]
    if isinstance(value, dict):
        return {key: substituted(item, texts) for key, item in value.items()}
    return value


def visible(markdown: str) -> list[list[str]]:
    """The blocks of a page and the text that a reader sees in each."""
    return [
        [token.type, token.tag, "".join(visible_part(child) for child in token.children or [token])]
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
    ]


def visible_part(token: Any) -> str:
    """What a reader sees of one piece of a block; markup becomes its name, so that it counts."""
    if token.type in ("text", "text_special", "fence", "code_block", "inline"):
        return str(token.content)
    return f"<{token.type} {token.content} {token.attrs}>"


def assert_carries(rendering: Rendering, reference: Rendering, texts: dict[str, str]) -> None:
    """Asserts that `rendering` is `reference` with the answers `texts`, and nothing else."""
    files, expected = rendering.files(), reference.files()
    assert files.keys() == expected.keys()
    for name, content in files.items():
        found, marked = content.decode("utf-8"), expected[name].decode("utf-8")
        if found == marked and not any(marker in marked for marker in MARKERS.values()):
            continue
        if name.endswith(".json"):
            assert json.loads(found) == substituted(json.loads(marked), texts), name
        elif name.endswith(".toml"):
            assert tomllib.loads(found) == substituted(tomllib.loads(marked), texts), name
        elif name.endswith((".yaml", ".yml")):
            documents = substituted(list(yaml.safe_load_all(marked)), texts)
            assert list(yaml.safe_load_all(found)) == documents, name
        elif name.endswith(".md"):
            assert visible(found) == substituted(visible(marked), texts), name
        else:
            # Neither code nor a place where some program expands dollars, percents or braces.
            assert found == marked, name


def all_three(text: str) -> dict[str, str]:
    """One text as the answer to each question that takes any text."""
    return dict.fromkeys(FREE_TEXT, text)


def answered(texts: dict[str, str], **others: str) -> dict[str, str]:
    """Answers as the command line takes them, for a project of a fixed name."""
    literal = {name: literally(text) for name, text in texts.items()}
    return {"project_slug": "my_service", **literal, **others}


@pytest.fixture(scope="session")
def reference(rendered: Render) -> Rendering:
    """A rendering with a harmless marker in each place that free text gets to."""
    return rendered(**answered(MARKERS))


def test_markers_arrive_where_people_look(reference: Rendering) -> None:
    metadata = tomllib.loads(reference.read("pyproject.toml"))["project"]
    assert metadata["description"] == MARKERS["description"]
    assert metadata["authors"] == [{"name": MARKERS["author"]}]
    readme = visible(reference.read("README.md"))
    assert readme[1] == ["inline", "", MARKERS["project_name"]]
    assert MARKERS["description"] in str(readme)


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted_answers_arrive_unchanged(text: str, render: Render, reference: Rendering) -> None:
    texts = all_three(text)
    assert_carries(render(**answered(texts)), reference, texts)


def carried(text: str) -> bool:
    """The rule for free text, said once more and in other words than the hook's."""
    return (
        text == text.strip()
        and any(
            unicodedata.category(c)[0] in "LNPS" and c not in "\u115f\u1160\u2800\u3164\uffa0"
            for c in text
        )
        and not re.search("[\ufdd0-\ufdef\ufeff\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]", text)
        and not re.search("[\U000e0000-\U000e007f]", text)
        and not any(ord(c) & 0xFFFF in (0xFFFE, 0xFFFF) for c in text)
    )


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1),
        st.text(string.punctuation + "a1 é中\U0001f680", min_size=1),
    ).map(lambda text: text[:80])
)
def test_any_line_of_text_arrives_unchanged(
    render: Render, reference: Rendering, text: str
) -> None:
    assume(carried(text) and not re.search(r"\{%[-+]?\s*endraw", text))
    texts = all_three(text)
    assert_carries(render(**answered(texts)), reference, texts)


def test_long_answers_are_fine(render: Render, reference: Rendering) -> None:
    texts = {name: "長" * (length - 1) for name, length in TOO_LONG.items()}
    assert_carries(render(**answered(texts)), reference, texts)


def test_answers_at_the_prompt_are_data(
    command: Command, tmp_path: Path, renderer: Renderer, reference: Rendering
) -> None:
    """Nothing that is typed runs: not as Jinja, not in the shell, not as Python, not in make."""
    trap = tmp_path / "trap"
    trap.mkdir()
    jinja = "{{ cycler.__init__.__globals__.os.system('touch jinja') }}{% endraw %}{# x #}"
    texts = {
        "project_name": jinja,
        "description": '""" + __import__("os").system("touch python") + r"""',
        "author": "'; touch shell; $(touch shell) `touch shell` $(shell touch make) #",
    }
    typed = [texts["project_name"], "my_service", texts["description"], texts["author"]]
    done = command(folder=trap, typed="\n".join([*typed, "1", "1", "1", "y", ""]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in trap.iterdir()] == ["my_service"]
    assert_carries(Rendering(trap / "my_service", {}), reference, texts)
    for number in range(1, 9):
        assert f"[{number}/8]" in done.stdout
    assert done.stdout.count("(recommended") == 4


def test_enter_at_every_prompt_is_the_default(
    command: Command, tmp_path: Path, render: Render
) -> None:
    done = command(folder=tmp_path, typed="\n" * 8)
    assert done.returncode == 0, done.stderr
    # One of this worker: each records the path of the template that it was made from.
    assert files_of(tmp_path / "my_service") == render().files()


def test_the_next_commands_are_said(command: Command, tmp_path: Path) -> None:
    here = command(folder=tmp_path)
    assert here.stdout.splitlines()[-5:] == [
        "  cd my_service",
        "  git init --initial-branch main",
        "  make setup",
        "  .venv/bin/pre-commit install",
        "  make migrate",
    ]
    assert here.stderr == ""
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    inside = command(folder=repository)
    assert inside.stdout.splitlines()[-3:] == ["  cd my_service", "  make setup", "  make migrate"]
    elsewhere = command("-o", "über there", folder=tmp_path, env={"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert f"  cd '{tmp_path}/über there/my_service'" in elsewhere.stdout.splitlines()


def assert_refused(
    done: subprocess.CompletedProcess[str], question: str, cure: str, folder: Path
) -> None:
    """Asserts that one sentence names the question and the cure, and that nothing was written."""
    assert_no_traceback(done)
    sentences = [line for line in done.stderr.splitlines() if line.startswith(f"  {question}: ")]
    assert len(sentences) == 1, done.stderr
    assert cure in sentences[0] and sentences[0].endswith("."), sentences
    assert files_of(folder) == {}
    assert not (folder / "my_service").exists()


@pytest.mark.parametrize("text, cure", REFUSED_TEXT.values(), ids=REFUSED_TEXT.keys())
def test_refused_text(text: str | bytes, cure: str, command: Command, tmp_path: Path) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    answers = [question.encode() + b"=" + raw for question in FREE_TEXT]
    # With a name of its own, so that it is the text that is refused, not the derived slug.
    done = command(*answers, "project_slug=my_service", folder=tmp_path)
    for question in FREE_TEXT:
        assert_refused(done, question, cure, tmp_path)


@pytest.mark.parametrize("question, length", TOO_LONG.items())
def test_refused_length(question: str, length: int, command: Command, tmp_path: Path) -> None:
    done = command(f"{question}={'x' * length}", "project_slug=my_service", folder=tmp_path)
    assert_refused(done, question, f"{length - 1} or fewer", tmp_path)


@pytest.mark.parametrize("slug, cure", REFUSED_SLUGS.items())
def test_refused_slug(slug: str, cure: str, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    # -f, because "" and "." are folders that are there already.
    done = command("-f", f"project_slug={slug}", folder=folder)
    assert_refused(done, "project_slug", cure, tmp_path)


@pytest.mark.parametrize("text", NO_JINJA.values(), ids=NO_JINJA.keys())
def test_braces_that_are_no_jinja_are_refused(text: str, command: Command, tmp_path: Path) -> None:
    for question in FREE_TEXT:
        done = command(f"{question}={text}", "project_slug=my_service", folder=tmp_path)
        assert_no_traceback(done)
        assert "answer at the prompt instead" in done.stderr
        assert files_of(tmp_path) == {}


def assert_no_traceback(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_a_slug_that_no_folder_can_have_is_refused(command: Command, tmp_path: Path) -> None:
    for slug in ("a" * 300, "长" * 100):
        done = command(f"project_slug={slug}", folder=tmp_path)
        assert_no_traceback(done)
        assert f"  project_slug: it has {len(slug)} characters: shorten it to 40" in done.stderr
        assert files_of(tmp_path) == {}


def test_answers_of_the_configuration_that_are_no_text_are_refused(
    command: Command, renderer: Renderer, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    own = renderer.config.read_text(encoding="utf-8")
    for question, value in (("author", "yes"), ("description", "[a, b]"), ("project_name", "no")):
        config.write_text(f"{own}default_context:\n  {question}: {value}\n", encoding="utf-8")
        done = command("--config-file", str(config), folder=tmp_path)
        if question == "description":  # a list is a choice, whose first is taken
            assert (tmp_path / "my_service/pyproject.toml").exists() == (done.returncode == 0)
            shutil.rmtree(tmp_path / "my_service", ignore_errors=True)
            continue
        assert_no_traceback(done)
        assert f"  {question}: " in done.stderr and "is no text: put it in quotes" in done.stderr
        assert not (tmp_path / "my_service").exists()


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"database": "mysql"}, "database: 'mysql' is not offered"),
        ({"python_version": "2.7"}, "python_version: '2.7' is not offered"),
        ({"ci": "jenkins"}, "ci: 'jenkins' is not offered"),
        ({"containers": "perhaps"}, "containers: it is neither yes nor no"),
        ({"author": "Somebody else"}, "author: the replay file has"),
        ({"database": "sqlite"}, "database: the replay file has"),
        ({"ci": "none"}, "ci or containers: the replay file has"),
        ({"author": None}, "author: null is no text"),
    ],
    ids=str,
)
def test_a_replay_that_was_changed_is_refused(
    changes: dict[str, Any], said: str, renderer: Renderer, tmp_path: Path
) -> None:
    """cookiecutter believes what stands in the file, and does not look at the choices."""
    renderer.render_into(tmp_path / "first", {})
    kept = json.loads((renderer.scratch / "replay" / "alembic-starter.json").read_bytes())
    replay = tmp_path / "replay.json"
    replay.write_text(json.dumps(kept), encoding="utf-8")
    assert replayed(renderer, replay, tmp_path / "same").returncode == 0
    kept["cookiecutter"] |= changes
    replay.write_text(json.dumps(kept), encoding="utf-8")
    done = replayed(renderer, replay, tmp_path / "other")
    assert_no_traceback(done)
    assert f"  {said}" in done.stderr
    assert files_of(tmp_path / "other") == {}


def replayed(renderer: Renderer, replay: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `cookiecutter --replay-file` does, which takes no answers and no --no-input."""
    folder.mkdir()
    return renderer.command("--replay-file", str(replay), folder=folder, typed="")


def test_the_hook_knows_the_choices() -> None:
    hook = (REPOSITORY / "hooks/pre_gen_project.py").read_text(encoding="utf-8")
    found = re.search(r"^CHOICES = (\{.*?^\})", hook, re.MULTILINE | re.DOTALL)
    assert found
    choices = {name: offered for name, offered in QUESTIONS.items() if isinstance(offered, list)}
    assert ast.literal_eval(found[1]) == choices


@pytest.mark.parametrize("whose", RESERVED)
def test_every_reserved_word_is_refused(
    whose: str, renderer: Renderer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # The first and the last do for the rest of the list: all of them go one way.
    for word in {*RESERVED[whose].split()[::60], RESERVED[whose].split()[-1]}:
        with pytest.raises(FailedHookException):
            renderer.render_into(tmp_path, {"project_slug": word})
        assert f"'{word}' is already the name of {whose}: try" in capfd.readouterr().err
        assert not any(tmp_path.iterdir())


def test_all_problems_are_said_at_once(command: Command, tmp_path: Path) -> None:
    done = command(
        "project_slug=My-Größe", "project_name=", "description= x", "author=a\nb", folder=tmp_path
    )
    said = re.findall(r"^  (\w+): (.*)\.$", done.stderr, re.MULTILINE)
    assert [question for question, _ in said] == ["project_slug", *FREE_TEXT]
    assert not (tmp_path / "My-Größe").exists()


def test_refusals_are_utf8_in_any_locale(command: Command, tmp_path: Path) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = command("project_slug=größe", folder=tmp_path, env=locale)
    assert "'größe'" in done.stderr or r"'gr\udcc3" in done.stderr


@pytest.mark.parametrize(
    "answer", ["database=oracle", "python_version=3.10", "ci=jenkins", "containers=perhaps"]
)
def test_choices_that_are_not_offered_are_refused(
    answer: str, command: Command, tmp_path: Path
) -> None:
    done = command(answer, folder=tmp_path)
    question, choice = answer.split("=")
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert question in last and choice in last
    for offered in QUESTIONS[question] if isinstance(QUESTIONS[question], list) else []:
        assert offered in last
    assert files_of(tmp_path) == {}


def test_a_refusal_leaves_an_existing_folder_alone(command: Command, tmp_path: Path) -> None:
    own = tmp_path / "my_service" / "README.md"
    own.parent.mkdir()
    own.write_text("mine", encoding="utf-8")
    done = command("-f", "description= x", folder=tmp_path)
    assert done.returncode != 0
    assert files_of(tmp_path) == {"my_service/README.md": b"mine"}


def test_a_refusal_writes_nothing_even_if_asked_to_keep_it(
    command: Command, tmp_path: Path
) -> None:
    done = command("--keep-project-on-failure", "description= x", folder=tmp_path)
    assert done.returncode != 0
    assert files_of(tmp_path) == {}


@pytest.mark.parametrize("folder, answer", [(".github", "ci=none"), ("deploy", "containers=no")])
def test_a_folder_of_the_user_s_own_is_never_removed(
    folder: str, answer: str, command: Command, tmp_path: Path
) -> None:
    own = tmp_path / "my_service" / folder / "own.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    done = command("-f", answer, folder=tmp_path)
    assert done.returncode != 0
    assert f"  {folder}: " in done.stderr
    assert files_of(tmp_path) == {f"my_service/{folder}/own.yaml": b"mine"}


def test_rendering_again_changes_nothing(command: Command, tmp_path: Path) -> None:
    for _ in range(2):
        assert command("-f", "ci=none", "containers=no", folder=tmp_path).returncode == 0
    assert not (tmp_path / "my_service" / ".github").exists()


def derived_slug(project_name: str) -> str:
    """The slug that cookiecutter offers for a name."""
    context = generate_context(
        str(REPOSITORY / "cookiecutter.json"),
        extra_context={"project_name": literally(project_name)},
    )
    questions = context["cookiecutter"]
    # All that comes after the slug only takes time here.
    for later in list(questions)[list(questions).index("project_slug") + 1 :]:
        del questions[later]
    return str(prompt_for_config(context, no_input=True)["project_slug"])


@pytest.mark.parametrize("name, slug", DERIVED_SLUGS.items())
def test_derived_slugs(name: str, slug: str, render: Render) -> None:
    assert render(project_name=name).path.name == slug


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_every_derived_slug_is_a_good_one(name: str) -> None:
    assume(not re.search(r"\{%[-+]?\s*endraw", name))
    assert_good_slug(derived_slug(name))


def test_names_that_are_reserved_words_get_a_good_slug() -> None:
    for word in words(RESERVED.values()):
        assert_good_slug(derived_slug(word.replace("_", " ").title()))


def assert_good_slug(slug: str) -> None:
    """Asserts that a slug passes by the rule, said here once more."""
    assert SLUG.fullmatch(slug), slug
    assert not slug.startswith("pg_")
    assert slug not in words(RESERVED.values())


def words(texts: Iterable[str]) -> set[str]:
    """All words of some texts."""
    return {word for text in texts for word in text.split()}


def test_the_nastiest_accepted_answers_make_a_working_project(ready: Render) -> None:
    project = ready(
        types=True,
        project_name=literally(
            """\\" ''' {{ 7*7 }} %(here)s $(touch trap) `touch trap` """ + "שלום 中文"
        ),
        project_slug="a" * 20 + "_" + "9" * 19,
        description=literally(
            '"""; touch trap # \\u0041 {% raw %} \U0001f468\u200d\U0001f469\u200d\U0001f467 '
            + "é" * 240
        ),
        author=literally("#!/bin/sh; touch trap: - [x] & <b> | 'x' \\"),
    )
    project.make("setup")
    project.make("check")
    project.make("test")
    assert list(project.path.rglob("trap")) == []


def test_a_word_of_python_is_a_good_name(ready: Render) -> None:
    """The project is no package, so its name cannot hide a module, nor be a keyword somewhere."""
    for slug in ("calendar", "import"):
        project = ready(types=True, project_slug=slug, database="sqlite")
        project.make("setup")
        project.make("check")
        project.make("test")
