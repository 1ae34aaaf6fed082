"""The blocks of a Markdown page, and what runs them as its reader would: in order, in one shell.

sh      is run; with `exit: 3` after it, has to end with that code; with `type: yes`, the terminal
        that it asks gets that answer
sql     goes through `make db-shell`
python  is written into the file that its first line names; where there is one already, what the
        block defines takes the place of what has the same name there
ini     is written into the files that its first line names, if it does, section by section
text    is what the block before it has to print; `...` stands for anything, alone for any lines
any of them with `not-run: WHY` is left alone
"""

from __future__ import annotations

import ast
import difflib
import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from markdown_it import MarkdownIt

from tests.conftest import Rendering, users_environment

SHOWN = {"json"}
LANGUAGES = {"sh", "sql", "python", "ini", "text", *SHOWN}
TIMEOUT = 600  # seconds for one block, on a machine that is busy


@dataclass(frozen=True)
class Block:
    """A fenced block: the line that it begins in, its language, and what the fence says else."""

    line: int
    language: str
    note: str
    text: str

    @property
    def runs(self) -> bool:
        """Whether it is for us."""
        return not self.note.startswith("not-run:")

    @property
    def exit_code(self) -> int:
        """The code that it has to end with."""
        found = re.fullmatch(r"exit: (\d+)", self.note)
        return int(found[1]) if found else 0

    @property
    def answer(self) -> str | None:
        """What to type when it asks, if it does."""
        found = re.fullmatch(r"type: (.+)", self.note)
        return found[1] if found else None


def blocks_of(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, also those in lists."""
    for token in MarkdownIt("commonmark").parse(page):
        if token.type == "fence" and token.map:
            language, _, note = token.info.partition(" ")
            yield Block(token.map[0] + 1, language, note.strip(), token.content)


@contextmanager
def terminal(answer: str) -> Iterator[str]:
    """Yield the name of a terminal at which somebody has typed `answer`."""
    screen, name = pty.openpty()
    try:
        os.write(screen, f"{answer}\n".encode())
        yield os.ttyname(name)
    finally:
        os.close(name)
        os.close(screen)


class Reader:
    """Somebody who works through pages in a project's folder, with a shell that stays open.

    Args:
        scratch: a folder for what they type and see.
        env: changes to a user's environment.
    """

    def __init__(
        self, project: Rendering, scratch: Path, env: Mapping[str, str | None] | None = None
    ) -> None:
        self.project = project
        self.scratch = scratch
        project.used = True
        self.shell = subprocess.Popen(
            ["bash", "-e"],
            cwd=project.path,
            env=users_environment({"PWD": str(project.path), **project.for_make(), **(env or {})}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.shell.kill()
        self.shell.communicate()

    def read(self, name: str, page: str) -> None:
        """Does what a page says.

        Raises:
            AssertionError: something else happened; it names page, line, command and difference.
        """
        last: Block | None = None
        printed = ""
        for block in blocks_of(page):
            where = f"{name}:{block.line}"
            assert block.language in LANGUAGES, (
                f"{where}: {block.language!r} is no language of ours"
            )
            notes = ("exit: ", "type: ", "not-run: ")
            assert not block.note or block.note.startswith(notes), where
            if not block.runs or block.language in SHOWN:
                last = None
            elif block.language == "text":
                assert last, f"{where}: there is no command that this could be the output of"
                difference = compare(block.text, printed)
                assert not difference, (
                    f"{where}: this prints something else:\n{last.text}\n{difference}\n"
                )
            elif block.language == "python":
                write(self.project.path, block.text, where)
                last = None
            elif block.language == "ini":
                configure(self.project.path, block.text)
                last = None
            else:
                code, printed = self.run(block)
                assert code == block.exit_code, (
                    f"{where}: this ended with {code}, not {block.exit_code}:\n"
                    f"{block.text}\n{printed}"
                )
                last = block

    def run(self, block: Block) -> tuple[int, str]:
        """Runs a block in the shell and returns its exit code and what it printed."""
        with terminal(block.answer) if block.answer else nullcontext("/dev/null") as keyboard:
            return self._run(block, keyboard)

    def _run(self, block: Block, keyboard: str) -> tuple[int, str]:
        typed, seen = self.scratch / "typed", self.scratch / "seen"
        text = block.text
        if block.language == "sql":
            query = self.scratch / "query"
            shell = "\\set ON_ERROR_STOP on\n" if self.is_postgresql else ""
            query.write_text(shell + text, encoding="utf-8")
            text = f"make --no-print-directory -s db-shell < '{query}'\n"
            if not self.is_postgresql:
                text = f".venv/bin/python -c '{SQLITE}' *.db '{query}'\n"
        typed.write_text(text, encoding="utf-8")
        step = f"source '{typed}' > '{seen}' 2>&1 < {keyboard}; printf '%s\\n' $?\n"
        if block.exit_code:  # a shell with -e would end here
            step = f"set +e\n{step}set -e\n"
        if block.language == "sql":
            step = step.replace(f" < {keyboard}", "")
        assert self.shell.stdin and self.shell.stdout
        self.shell.stdin.write(step)
        self.shell.stdin.flush()
        patience = threading.Timer(TIMEOUT, self.shell.kill)
        patience.start()
        answer = self.shell.stdout.readline()
        patience.cancel()
        code = int(answer) if answer else self.shell.wait()
        return code, seen.read_text(encoding="utf-8")

    @property
    def is_postgresql(self) -> bool:
        """Whether the project's database is PostgreSQL."""
        return self.project.answers.get("database", "postgresql") == "postgresql"


# A machine need not have the sqlite3 program that `make db-shell` opens.
SQLITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
for statement in open(sys.argv[2], encoding="utf-8").read().split(";"):
    for row in connection.execute(statement):
        print(*row, sep="|")
connection.commit()
"""


def compare(expected: str, printed: str) -> str:
    """The difference between what a page shows and what came, nothing if it is the same."""
    found = [line.rstrip() for line in printed.rstrip("\n").split("\n")]
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else f"{anything(line.rstrip())}\n"
        for line in expected.rstrip("\n").split("\n")
    )
    if re.fullmatch(pattern, "\n".join(found) + "\n"):
        return ""
    shown = expected.splitlines()
    fitting = [line for line in shown if line.strip(" .")]
    same = [
        next((one for one in fitting if re.fullmatch(anything(one), line)), line) for line in found
    ]
    return "\n".join(difflib.unified_diff(shown, same, "the page", "what came", lineterm=""))


def anything(line: str) -> str:
    """A regular expression for a line in which `...` stands for anything."""
    return ".*".join(re.escape(part) for part in line.split("..."))


def write(project: Path, text: str, where: str) -> None:
    """Puts a Python block into the file that its first line names."""
    first, _, body = text.partition("\n")
    found = re.fullmatch(r"# (\S+\.py)", first)
    assert found, f"{where}: the first line names no file"
    files = sorted(project.glob(found[1])) if "*" in found[1] else [project / found[1]]
    assert len(files) == 1, f"{where}: {found[1]} is {len(files)} files"
    if files[0].exists():
        body = merged(files[0].read_text(encoding="utf-8"), body)
    files[0].parent.mkdir(parents=True, exist_ok=True)
    files[0].write_text(body, encoding="utf-8")


def configure(project: Path, text: str) -> None:
    """Puts an ini block into the files that its first line names: keys into sections there are."""
    first, _, body = text.partition("\n")
    for name in re.findall(r"\w+\.ini\b", first if first.startswith("# ") else ""):
        whole = (project / name).read_text(encoding="utf-8")
        for section in filter(None, re.split(r"^(?=\[)", body, flags=re.MULTILINE)):
            header, _, keys = section.partition("\n")
            assert header.startswith("["), f"{name}: no section is named before {header!r}"
            if f"\n{header}\n" in whole:
                whole = whole.replace(f"\n{header}\n", f"\n{header}\n{keys.strip()}\n", 1)
            else:
                whole += f"\n{section.strip()}\n"
        (project / name).write_text(whole, encoding="utf-8")


def merged(old: str, new: str) -> str:
    """`old` with the top-level statements of `new` in the place of those that bind their names.

    A name that is not there yet goes before the first one that is, as the block has them.
    """
    before = [(source(old, node), names(node)) for node in ast.parse(old).body]
    pending: list[str] = []
    result = old
    for node in ast.parse(new).body:
        mine = source(new, node)
        same = [text for text, theirs in before if theirs and theirs <= names(node)]
        if not same:
            pending.append(mine)
            continue
        result = result.replace(same[0], "\n".join([*pending, mine]), 1)
        pending = []
        for text in same[1:]:
            result = result.replace(f"{text}\n", "", 1)
    return result if not pending else f"{result}\n\n" + "\n\n\n".join(pending) + "\n"


def source(text: str, node: ast.stmt) -> str:
    """The lines of a statement, its decorators too."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    return "\n".join(text.split("\n")[first - 1 : node.end_lineno])


def names(node: ast.stmt) -> set[str]:
    """What a top-level statement defines."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return {ast.unparse(node.target)}
    if isinstance(node, ast.Assign):
        return {ast.unparse(target) for target in node.targets}
    return set()
