"""What lint and trace write: for people, for programs, and for a review."""

import json
import os
import pty
import re
import subprocess
import termios
import time
from fcntl import ioctl
from struct import pack
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.conftest import Rendering, users_environment
from tests.lint.test_lint import FIRST, LINT, line_of, write

TRACE = ".venv/bin/python -m migrator trace"
ANSI = re.compile(r"\x1b\[[\d;]*m")
UNSAFE = """
op.alter_column("users", "name", new_column_name="label")
op.create_index("ix_users_label", "users", ["label"])
op.create_foreign_key("fk", "users", "teams", ["team_id"], ["id"], ondelete="CASCADE")
"""
LOUD = """
import atexit
import ctypes
import logging
import os
import subprocess
import sys
import warnings

print("printed at import")
atexit.register(print, "printed at the end")


def loud():
    print("printed")
    os.write(1, b"written to file descriptor 1\\n")
    subprocess.run(["echo", "a program"], check=True)
    ctypes.CDLL(None).printf(b"C, not flushed\\n")
    warnings.warn("a warning")
    logging.basicConfig(stream=sys.stdout)
    logging.error("logged")
"""


@pytest.mark.parametrize("command", ["lint", "trace", "plan"])
def test_json_is_all_of_stdout_whatever_a_revision_prints(project: Rendering, command: str) -> None:
    revision = write(project, 'loud()\nop.execute("SELECT 1")', LOUD)
    which = "" if command == "plan" else revision
    done = subprocess.run(
        f".venv/bin/python -m migrator {command} --json {which}",
        shell=True,
        cwd=project.path,
        env=users_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    # Lint says that it does not see what the program does.
    assert done.returncode == {"plan": 3, "lint": 5}.get(command, 0), done.stderr
    assert json.loads(done.stdout)
    assert "printed at import" in done.stderr
    assert "printed at the end" in done.stderr
    if command != "plan":
        assert "C, not flushed" in done.stderr
        assert "a program" in done.stderr


def keys(value: Any, prefix: str = "") -> set[str]:
    """The keys in JSON, each with those of the objects around it."""
    if isinstance(value, list):
        return {key for each in value for key in keys(each, prefix)}
    if not isinstance(value, dict) or prefix.endswith((".rows", ".inserted")):
        return set()
    return {
        key
        for name, inner in value.items()
        for key in ({f"{prefix}.{name}".strip(".")} | keys(inner, f"{prefix}.{name}"))
    }


@pytest.mark.parametrize(
    ("command", "heading"), [("lint", "lint --json"), ("trace", "trace --json")]
)
def test_the_page_has_the_schema_of_the_json(
    project: Rendering, command: str, heading: str
) -> None:
    suppressed = "# migrator: allow renaming-column because nobody reads it\n"
    body = suppressed + UNSAFE + 'op.alter_column("users", "email", type_=sa.Text())'
    revision = write(project, body)
    done = project.run(f".venv/bin/python -m migrator {command} --json {revision}")
    page = project.read("docs/zero-downtime.md")
    table = page.partition(f"`{heading}`")[2].partition("\n\n|")[2].partition("\n\n")[0]
    described = dict(re.findall(r"^\|? ?`([\w.]+)` \| ([^|]+) \|", table, re.MULTILINE))
    found = json.loads(done.stdout)
    seen = {re.sub(r"^(suppressed|dismissed)\.", "findings.", key) for key in keys(found)}
    assert seen == described.keys()
    assert not [key for key in described if not re.fullmatch(r"[a-z_.]+", key)]
    for each in found["findings"] if command == "lint" else found[0]["statements"]:
        for name, value in each.items():
            check(described[f"{'findings' if command == 'lint' else 'statements'}.{name}"], value)


def check(description: str, value: object) -> None:
    """Compare a value with the kind that the page names."""
    kinds: dict[str, Any] = {
        "list": list,
        "object": dict,
        "text": str,
        "number": (int, float),
        "boolean": bool,
    }
    if value is None:
        assert "null" in description
        return
    assert isinstance(value, kinds[description.split()[0].rstrip(":, ")]), (description, value)


def test_people_get_one_block_per_finding_in_80_columns(project: Rendering) -> None:
    revision = write(project, UNSAFE, 'phase = "expand"')
    done = project.run(f"{LINT} {revision}")
    lines = done.stdout.splitlines()
    path = f"migrations/versions/{revision}.py"
    assert [line for line in lines if len(line) > 80 and not line.startswith(" " * 8)] == []
    assert lines[0].startswith(f"{revision}  {revision}  [expand]")
    index = line_of(project, revision, "op.create_index")
    start = lines.index(f"{path}:{index}: require-concurrent-index-creation")
    block = lines[start + 1 : lines.index("", lines.index("", start) + 1)]
    assert block[0] == "    CREATE INDEX ix_users_label ON users (label)"
    assert block[-1] == (
        '        op.create_index_concurrently("ix_users_label", "users", ["label"])'
    )
    key = [line.strip() for line in lines[lines.index("        op.add_foreign_key_validated(") :]]
    assert key[1:7] == [
        '"fk",',
        '"users",',
        '"teams",',
        '["team_id"],',
        '["id"],',
        'ondelete="CASCADE",',
    ]
    assert ANSI.search(done.stdout) is None
    assert "1 revision (" + revision in done.stderr


def test_what_is_pasted_is_safe(project: Rendering) -> None:
    """The code of each finding, in a revision of its own, breaks no rule."""
    first = write(project, 'op.create_index("ix_n", "users", ["name"], unique=True)')
    done = project.run(f"{LINT} --json {first}")
    [finding] = json.loads(done.stdout)["findings"]
    body = "from migrator.operations import op\n" + finding["code"]
    again = project.run(f"{LINT} {write(project, body)}")
    assert again.returncode == 0, again.stdout


def on_terminal(project: Rendering, command: str, columns: int, **env: str | None) -> str:
    """What a command prints on a terminal."""
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        command.split(),
        cwd=project.path,
        env=users_environment({"TERM": "xterm-256color", "NO_COLOR": None, "COLUMNS": None, **env}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    printed = b""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            some = os.read(leader, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not some:
            break
        printed += some
    process.wait()
    os.close(leader)
    return printed.decode().replace("\r\n", "\n")


def test_colours_on_a_terminal_only_and_for_those_who_want_them(project: Rendering) -> None:
    revision = write(project, UNSAFE)
    coloured = on_terminal(project, f"{LINT} --no-trace {revision}", 80)
    path = f"migrations/versions/{revision}.py"
    assert re.search(rf"\x1b\[36m{path}:\d+\x1b\[0m: \x1b\[1;31mrenaming-column\x1b\[0m", coloured)
    for variable in ({"NO_COLOR": "1"}, {"CI": "true"}, {"TERM": "dumb"}):
        plain = on_terminal(project, f"{LINT} --no-trace {revision}", 80, **variable)
        assert ANSI.search(plain) is None
        assert plain == ANSI.sub("", coloured)
    narrow = ANSI.sub("", on_terminal(project, f"{LINT} --no-trace {revision}", 50))
    text = [line for line in narrow.splitlines() if line.startswith("    ") and line[8:9].isalpha()]
    assert f"{path}:" in narrow  # is not broken
    assert '        op.create_index_concurrently("ix_users_label", "users", ["label"])' in narrow
    assert [line for line in text if len(line) > 50 and not line.startswith(" " * 8)] == []
    assert "\x1b[36m" in on_terminal(project, f"{TRACE} {revision}", 80)


def test_tables_without_rows_are_one_line(project: Rendering) -> None:
    made = "".join(f'op.create_table("t{n}", sa.Column("n", sa.Integer()))\n' for n in range(8))
    write(project, made, name="a")
    body = "".join(f'op.create_check_constraint("ck{n}", "t{n}", "n < -5")\n' for n in range(8))
    revision = write(project, body, name="b", down="case_a")
    done = project.run(f"{LINT} {revision}")
    lines = [line for line in done.stderr.splitlines() if "without rows" in line]
    assert len(lines) == 1
    assert lines[0].startswith("8 tables tried without rows")
    assert lines[0].endswith("t0, t1, t2, t3, t4 and 3 more.")


def test_a_new_required_column_reads_like_advice(project: Rendering) -> None:
    body = """
from migrator.operations import op
op.backfill("users", {"team_id": None}, key="id")
"""
    revision = write(project, body)
    done = project.run(f"{LINT} {revision}")
    assert (
        ': undecided-value\n    op.backfill("users", {"team_id": None}, key="id")\n' in done.stdout
    )
    text = " ".join(done.stdout.split())
    assert "it does not say which value rows that are there get" in text
    assert "in place of None" in text
    assert "MigratorError" not in text and "UndecidedValue" not in text and "fails" not in text


def test_the_review_of_a_branch(project: Rendering) -> None:
    write(
        project, 'op.create_table("shops", sa.Column("n", sa.Integer()))', 'phase = "expand"', "a"
    )
    body = f"{UNSAFE}\nop.execute(\"SELECT '```' || '<b>'\")"
    more = 'phase = "contract"\ntransactional = True'
    write(project, body, more, "b", "case_a")
    done = project.run(f"{LINT} --format markdown --review review.md {FIRST}..case_b")
    assert done.returncode == 5
    assert project.read("review.md") == done.stdout
    (project.path / "review.md").unlink()
    html = MarkdownIt("gfm-like", {"linkify": False}).render(done.stdout)
    assert html.count("<h3>") == 2
    drawn = html.partition('<code class="language-mermaid">')[2].partition("</code>")[0]
    assert "New tables: shops" in html
    assert "&quot;shops&quot; {" in drawn and "&quot;users&quot; {" in drawn
    assert re.search(r"varchar(\(\d+\))? label &quot;[^\n]*new", drawn), drawn
    assert re.search(r" name &quot;[^\n]*dropped", drawn), drawn
    assert "&quot;teams&quot; {" not in drawn  # which stays as it is
    first, second = html.split("<h3>")[1:]
    assert "<code>case_a</code>" in first
    assert "expand: before the new code" in first and "· transactional" in first
    assert "+ table shops (n integer)" in first
    assert "contract: when no older code runs any more" in second
    assert "+ column users.label" in second and "- column users.name" in second
    assert "CREATE INDEX ix_users_label ON users (label);" in second
    assert "op.create_index_concurrently(&quot;ix_users_label&quot;" in second
    rows = re.findall(r"<tr>\s*<td[^>]*>(\d+)</td>(.*?)</tr>", second, re.DOTALL)
    assert len(rows) == 4
    assert "blocks reads and writes of users" in rows[0][1]
    assert all(re.search(r"<td[^>]*>\d+\.\d</td>\s*<td[^>]*>\d+\.\d</td>", row) for _, row in rows)
    assert second.count("<details>") == second.count("</details>") == 2
    assert "'```' || '&lt;b&gt;'" in second


def test_a_name_in_a_review_is_no_markup(project: Rendering) -> None:
    name = "<img/src=x>-[a](b)-`c`-@everybody"
    revision = write(project, 'op.execute("SELECT 1")')
    path = project.path / f"migrations/versions/{revision}.py"
    text = path.read_text("utf-8")
    path.write_text(text.replace(f'"""{revision}"""', f'"""{name}"""'), "utf-8")
    done = project.run(f"{LINT} --format markdown --no-trace {revision}")
    html = MarkdownIt("gfm-like", {"linkify": False}).render(done.stdout)
    assert "<img" not in html and "<a " not in html and "@everybody" not in html
