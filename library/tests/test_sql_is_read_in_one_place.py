"""A regular expression looks at SQL in migrator.postgres.sql alone (and migrator.sqlite.sql)."""

import ast
from pathlib import Path

import migrator

LIBRARY = Path(migrator.__file__).parent
# Who may use them besides, and what it reads with them: no SQL.
OTHERS = {
    "adopt/ini_file.py": "keys in an ini file",
    "adopt/proposal.py": "lines of a Makefile and of script.py.mako",
    "backup/dump.py": "the list that pg_restore prints",
    "backup/processes.py": "what PostgreSQL's programs print",
    "backup/programs.py": "likewise",
    "backup/storage.py": "names of files",
    "config/hosts.py": "hosts and ports in a URL",
    "config/invocation.py": "words that a shell takes as they are",
    "config/urls.py": "names of parameters in a URL",
    "deploy/window.py": "the window for deploys",
    "diagrams/mermaid.py": "names, and types as PostgreSQL writes them",
    "errors.py": "secrets in messages",
    "lint/suppressions.py": "comments in Python",
    "postgres/after_connect.py": "the words of options= in a URL",
    "postgres/constrained_rows.py": "its own marks, which stand for the keys of a partition",
    "rehearsal/source.py": "names of files",
    "revisions/git.py": "lists in an ini file",
    "revisions/git_search.py": "quotes for git's own patterns",
    "revisions/way_back.py": "names of revisions, as -1",
    "shadow/abandoned.py": "names of databases",
    "template/mirror.py": "tags and what cookiecutter prints",
}


def uses_regular_expressions(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import) and any(name.name == "re" for name in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            return True
    return False


def test_sql_is_read_in_one_place() -> None:
    found = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if uses_regular_expressions(path)
    }
    sql = {name for name in found if name.startswith("postgres/sql/") or name == "sqlite/sql.py"}
    assert len(sql) > 2
    assert found - sql == OTHERS.keys()


def test_a_regular_expression_elsewhere_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    for text, seen in {
        "import re": True,
        "def f():\n    from re import sub": True,
        "": False,
    }.items():
        path.write_text(text, encoding="utf-8")
        assert uses_regular_expressions(path) is seen
