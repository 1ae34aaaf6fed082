"""A database at a revision that this code does not have: where the file is, and both ways out."""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Render, Renderer, Rendering

FIRST = "5f2c81d0a7e4"
REVISION = '''"""add {name}"""

from alembic import op

revision: str = "{name}"
down_revision = {after!r}
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE {name} (id int)")


def downgrade() -> None:
    op.execute("DROP TABLE {name}")
'''
PYTHON = ".venv/bin/python -m migrator"
PROD = f"{PYTHON} -c alembic_prod.ini"
# Each command that asks the database which revision it is at, and needs that revision's file.
COMMANDS = [
    "make migrate",
    "make upgrade",
    "make upgrade to=+1",
    "make downgrade",
    f"make downgrade to={FIRST}",
    "make current",
    "make sql",
    "make plan",
    "make seed",
    "make deploy",
    "make rollback to=-1",
    f"{PYTHON} check",
    f"{PYTHON} wait --timeout 0",
    f"{PROD} plan --json",
    f"{PROD} deploy --json",
    f"{PROD} rollback --to {FIRST} --json",
    ".venv/bin/alembic upgrade head",
    ".venv/bin/alembic upgrade heads",
    ".venv/bin/alembic downgrade base",
    ".venv/bin/alembic current",
    ".venv/bin/alembic check",
    ".venv/bin/alembic stamp head",
    ".venv/bin/alembic history -r current:head",
    ".venv/bin/alembic revision --autogenerate -m more",
    ".venv/bin/alembic -c alembic_prod.ini upgrade head",
]


@dataclass
class Repository:
    """A project in a git repository of its own, on SQLite."""

    project: Rendering

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, "-c", "advice.detachedHead=false", *arguments],
            cwd=self.project.path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, after: str = FIRST, file: str = "", text: str = REVISION) -> Path:
        path = self.project.path / "migrations/versions" / (file or f"20261101_{name}.py")
        path.write_text(text.format(name=name, after=after), encoding="utf-8")
        return path

    def branch(self, name: str, revision: str, **more: str) -> None:
        """A branch that adds a revision, which the database gets; then main again."""
        self.git("checkout", "-q", "-b", name)
        self.write(revision, **more)
        self.commit(f"add {revision}")
        self.project.make("migrate")
        self.git("checkout", "-q", "main")

    def at(self) -> set[str]:
        with closing(sqlite3.connect(self.project.path / "my_service.db")) as connection:
            return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}

    def said(self, command: str = "make migrate") -> str:
        """What a command says that meets the missing revision."""
        url = f"sqlite:///{self.project.path}/my_service.db"
        prod = "alembic_prod" in command or re.match("make (deploy|rollback)", command)
        done = self.project.run(command, env={"DATABASE_URL": url} if prod else {})
        said = done.stdout + done.stderr
        codes = (0,) if command == "make plan" and "pending" in said else (1, 2, 3)
        assert done.returncode in codes, said
        assert "Traceback" not in said and "Can't locate" not in said and "Error 255" not in said
        return said

    def type(self, said: str, name: str) -> None:
        """Types the command that a message ends with, in a shell."""
        command = re.findall(rf"^  {name}:? +(.*)$", said, re.MULTILINE)[-1]
        done = self.project.run(shlex.join(["bash", "-c", command]), env=self.project.for_make())
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def initialised(project: Rendering) -> Repository:
    repository = Repository(project)
    repository.git("init", "-q", "-b", "main")
    (project.path / ".gitignore").write_text(
        ".venv\n*.db*\n__pycache__\n.postgres\n.*cache\nbackups\n"
    )
    repository.commit("start")
    return repository


@pytest.fixture(scope="module")
def switched(renderer: Renderer) -> Iterator[Repository]:
    """The branch "color" was checked out and migrated; now it is main again."""
    with renderer.stopping():
        repository = initialised(renderer.ready(database="sqlite"))
        repository.project.make("migrate")
        repository.branch("color", "c0105")
        yield repository


@pytest.fixture
def repository(ready: Render) -> Repository:
    repository = initialised(ready(database="sqlite"))
    repository.project.make("migrate")
    return repository


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_the_branch(command: str, switched: Repository) -> None:
    before = switched.git("status", "--porcelain")
    said = switched.said(command)
    assert "The database is at revision c0105, which this code does not have" in said
    assert "the branch color has it" in said
    if "--json" not in command:
        assert "git checkout color -- :/migrations/versions/20261101_c0105.py" in said
    assert switched.at() == {"c0105"}
    assert switched.git("status", "--porcelain") == before


def test_a_revision_that_others_follow_is_found(repository: Repository) -> None:
    path = repository.write("c0105")
    repository.write("size1", after="c0105")
    repository.commit("two")
    path.unlink()
    commit = repository.commit("clean up")
    said = repository.said("make plan")
    assert "Revision 'c0105' is missing, but another one names it as its down_revision: no" in said
    assert f"commit {commit[:10]} (clean up) deleted it here. Restore its file." in said
    repository.type(said, "to bring it")
    assert "size1" in repository.said("make plan")


def test_a_revision_that_was_typed_is_not_taken_for_the_database_s(repository: Repository) -> None:
    done = repository.project.run("make upgrade to=nonsense")
    assert "Can't locate revision identified by 'nonsense'" in done.stdout
    assert "does not have" not in done.stdout + done.stderr


def test_both_ways_out_run_as_printed(repository: Repository) -> None:
    repository.branch("feature/color", "c0105")
    said = repository.said()
    assert "make reset" in said
    repository.type(said, "to go back")
    assert repository.at() == {FIRST}
    assert repository.git("symbolic-ref", "--short", "HEAD") == "main"
    repository.project.make("migrate")
    repository.git("checkout", "-q", "feature/color")
    repository.project.make("migrate")
    repository.git("checkout", "-q", "main")
    repository.type(repository.said("make current"), "to bring it")
    repository.project.make("migrate")
    assert repository.at() == {"c0105"}


def test_reset_is_for_a_development_database_only(switched: Repository) -> None:
    assert "make reset" in switched.said("make plan")
    assert "make reset" not in switched.said(f"{PROD} plan")


def many(repository: Repository) -> str:
    """Several revisions are missing; both ways take all of them."""
    repository.git("checkout", "-q", "-b", "long")
    repository.write("one")
    repository.write("two", after="one")
    repository.commit("two revisions")
    repository.project.make("migrate")
    repository.git("checkout", "-q", "main")
    return "the branch long has it"


def remote(repository: Repository) -> str:
    """Only a remote has the branch."""
    repository.branch("color", "c0105")
    other = repository.project.path.parent / "other.git"
    repository.git("clone", "-q", "--bare", ".", str(other))
    repository.git("remote", "add", "origin", str(other))
    repository.git("fetch", "-q", "origin")
    repository.git("remote", "set-head", "origin", "main")
    repository.git("branch", "-q", "-D", "color")
    return "the branch origin/color has it"


def of_another_name(repository: Repository) -> str:
    """The name of the file does not contain the revision, which is written in another way."""
    text = REVISION.replace('revision: str = "{name}"', "revision = '{name}'")
    repository.branch("color", "c0105", file="the colour of it.py", text=text)
    return "the branch color has it"


def gone(repository: Repository) -> str:
    """The branch was deleted; the reflog remembers it."""
    repository.branch("color", "c0105")
    repository.git("branch", "-q", "-D", "color")
    return "no branch has it any more, but commit "


def deleted(repository: Repository) -> str:
    """It was on this branch once."""
    repository.write("c0105")
    repository.commit("add")
    repository.project.make("migrate")
    (repository.project.path / "migrations/versions/20261101_c0105.py").unlink()
    commit = repository.commit("clean up")
    return f"no branch has it any more, and commit {commit[:10]} (clean up) deleted it here"


def deleted_here_only(repository: Repository) -> str:
    """It was deleted here, and another branch still has it."""
    repository.write("c0105")
    repository.commit("add")
    repository.project.make("migrate")
    repository.git("branch", "older")
    (repository.project.path / "migrations/versions/20261101_c0105.py").unlink()
    commit = repository.commit("clean up")
    return f"the branch older has it, and commit {commit[:10]} (clean up) deleted it here"


def merged_without_it(repository: Repository) -> str:
    """A branch added it and deleted it again before it was merged."""
    repository.branch("color", "c0105")
    repository.git("checkout", "-q", "color")
    repository.git("rm", "-q", "migrations/versions/20261101_c0105.py")
    commit = repository.commit("not now")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "color")
    return f"no branch has it any more, and commit {commit[:10]} (not now) deleted it here"


def not_committed(repository: Repository) -> str:
    """The file was deleted in the work tree, and nobody has committed that."""
    path = repository.write("c0105")
    repository.commit("add")
    repository.project.make("migrate")
    path.unlink()
    return "the last commit of main has its file, and the work tree does not"


def stashed(repository: Repository) -> str:
    """It was never committed, and put away."""
    repository.write("c0105")
    repository.git("add", "-A")
    repository.project.make("migrate")
    repository.git("stash", "push", "-q")
    return "no branch has it any more, but commit "


def several(repository: Repository) -> str:
    """More branches than anybody wants to read."""
    repository.branch("b0", "c0105")
    for number in range(1, 5):
        repository.git("branch", f"b{number}", "b0")
    return "the branches b0, b1, b2 and 2 more have it"


@pytest.mark.parametrize(
    "accident",
    [
        many,
        remote,
        of_another_name,
        gone,
        deleted,
        deleted_here_only,
        merged_without_it,
        not_committed,
        stashed,
        several,
    ],
)
def test_wherever_the_file_is_both_ways_lead_out(
    accident: Callable[[Repository], str], repository: Repository
) -> None:
    where = accident(repository)
    there = repository.at()
    said = repository.said()
    assert where in said
    if "to go back" in said:
        repository.type(said, "to go back")
        assert repository.at() == {FIRST}
        repository.project.make("migrate")
        with closing(sqlite3.connect(repository.project.path / "my_service.db")) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", [*there])
            connection.commit()
    repository.type(said, "to bring it")
    repository.project.make("migrate")
    assert repository.at() == there


def test_several_revisions_of_several_branches(repository: Repository) -> None:
    """The database is at two heads; one of them is known here."""
    repository.git("checkout", "-q", "-b", "color")
    repository.write("c0105")
    repository.commit("add c0105")
    repository.git("checkout", "-q", "main")
    repository.write("size1")
    repository.commit("add size1")
    repository.git("checkout", "-q", "color", "--", "migrations/versions")
    repository.project.make("upgrade to=heads")
    repository.git("reset", "-q", "--hard")
    assert repository.at() == {"c0105", "size1"}
    said = repository.said("make current")
    assert "at revision c0105, which this code does not have: the branch color has it" in said
    assert "to go back" not in said  # there, the other one would be missing
    repository.type(said, "to bring it")
    assert "c0105" in repository.project.make("current")
    repository.project.make(f"downgrade to=c0105@{FIRST}")
    assert repository.at() == {"size1"}


def test_two_missing_revisions_are_both_found(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "color")
    repository.write("c0105")
    repository.write("size1")
    repository.commit("two heads")
    repository.project.make("upgrade to=heads")
    repository.git("checkout", "-q", "main")
    said = repository.said("make current")
    assert "at revision c0105, size1, which" in said or "at revision size1, c0105, which" in said
    for _ in range(2):
        said = repository.said("make current")
        repository.type(said, "to go back")
    assert repository.at() == {FIRST}


@pytest.mark.parametrize("why", ["no repository", "no git", "unknown", "shallow"])
def test_what_cannot_be_looked_up_is_said(why: str, ready: Render, tmp_path: Path) -> None:
    project = ready(database="sqlite")
    project.make("migrate")
    repository = Repository(project)
    env: dict[str, str | None] = {}
    words = "there is no git repository here to look for its file"
    if why == "no git":
        for program in ("make", "sh", "awk", "grep"):
            found = subprocess.run(["which", program], capture_output=True, check=True).stdout
            (tmp_path / program).symlink_to(found.decode().strip())
        env = {"PATH": str(tmp_path)}
    if why != "no repository":
        initialised(project)
    if why in ("unknown", "shallow"):
        words = "no commit here has its file; perhaps `git fetch --all` brings it"
    if why == "shallow":
        (project.path / ".git/shallow").write_text(repository.git("rev-parse", "HEAD") + "\n")
        words = f"this clone is shallow, and {words}"
    with closing(sqlite3.connect(project.path / "my_service.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'nowhere'")
        connection.commit()
    done = project.run("make plan", env=env)
    said = done.stdout + done.stderr
    assert f"at revision nowhere, which this code does not have: {words}." in said
    assert "make reset" in said and "git checkout" not in said


def test_on_postgresql_in_a_folder_of_a_repository(ready: Render) -> None:
    """The project is not the root of the repository, and its path has spaces."""
    project = ready()
    top = project.path.parent / "the mono repo"
    top.mkdir()
    project.path = project.path.rename(top / project.path.name)
    repository = Repository(Rendering(top, project.answers))
    repository.git("init", "-q", "-b", "main")
    (top / ".gitignore").write_text(".venv\n.postgres\n__pycache__\n.*cache\n")
    repository.commit("start")
    inner = Repository(project)
    inner.project.make("migrate")
    inner.branch("color", "c0105")
    for command in ("make lint-migrations", "make trace", "make migrate"):
        said = inner.said(command)
        assert "the branch color has it" in said
    inner.type(said, "to go back")
    with psycopg.connect(project.database_url()) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (FIRST,)
        ]
