"""The review of a merge request: one comment, which later pipelines update."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.conftest import Render, users_environment
from tests.pipelines.test_pipelines import jobs

MARK = "<!-- review of the migrations -->"
REVIEW = "## Review of the migrations\n\nNo findings.\n\n### `abc` add “invoices” $(touch x)\n"
NOTHING = "## Review of the migrations\n\nNothing to look at.\n"
# What the job asks of GitHub's program, whose host is not reachable from here: `gh run download`
# brings the artifact, `gh api` reads and writes the comments, which a folder keeps.
GH = f"""#!{sys.executable}
import json, pathlib, sys
state = pathlib.Path(__file__).parent / "comments.json"
comments = json.loads(state.read_text("utf-8"))
words = sys.argv[1:]
if words[:2] == ["run", "download"]:
    artifact = pathlib.Path(__file__).parent / "review.md"
    if artifact.exists():
        pathlib.Path("review.md").write_bytes(artifact.read_bytes())
elif "--method" not in words:
    assert words == ["api", "--paginate", "repos/me/it/issues/7/comments"], words
    print(json.dumps(comments))
else:
    name, _, file = words[words.index("--field") + 1].partition("=@")
    text = pathlib.Path(file).read_text("utf-8")
    assert name == "body" and len(text) < 65536
    method, url = words[words.index("--method") + 1 :][:2]
    if method == "POST":
        assert url == "repos/me/it/issues/7/comments"
        comments.append({{"id": len(comments) + 1, "user": {{"type": "Bot"}}, "body": text}})
    else:
        assert method == "PATCH"
        [one] = [c for c in comments if url == f"repos/me/it/issues/comments/{{c['id']}}"]
        one["body"] = text
    state.write_text(json.dumps(comments), "utf-8")
"""


class GitHub:
    """The job on a runner, with what a pull request has for comments."""

    def __init__(self, render: Render, folder: Path) -> None:
        self.folder = folder
        [step] = jobs(render(ci="github", database="postgresql"))["review"]["steps"]
        self.script = step["run"]
        (folder / "gh").write_text(GH, "utf-8")
        (folder / "gh").chmod(0o755)
        self.keep([{"id": 1, "user": {"type": "User"}, "body": f"{MARK} A person quotes it."}])

    def keep(self, comments: list[dict[str, Any]]) -> None:
        (self.folder / "comments.json").write_text(json.dumps(comments), "utf-8")

    def comments(self) -> list[str]:
        """What comments there are besides the one of a person."""
        found = json.loads((self.folder / "comments.json").read_text("utf-8"))
        return [each["body"] for each in found[1:]]

    def run(self, review: str | None) -> None:
        (self.folder / "review.md").unlink(missing_ok=True)
        if review is not None:
            (self.folder / "review.md").write_text(review, "utf-8")
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        (work / "review.md").unlink(missing_ok=True)
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        env = {"PATH": path, "GITHUB_RUN_ID": "5", "GH_REPO": "me/it", "NUMBER": "7"}
        script(self.script, work, env)


class GitLab:
    """The job on a runner, with a server that has the notes of a merge request."""

    def __init__(self, render: Render, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        [self.script] = jobs(render(ci="gitlab", database="postgresql"))["review"]["script"]

    def comments(self) -> list[str]:
        return [each["body"] for each in Notes.notes[1:]]

    def run(self, review: str | None) -> None:
        (self.folder / "review.md").unlink(missing_ok=True)
        if review is not None:
            (self.folder / "review.md").write_text(review, "utf-8")
        env = {
            "CI_API_V4_URL": self.url,
            "CI_MERGE_REQUEST_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "7",
            "MIGRATION_REVIEW_TOKEN": "secret",
        }
        script(self.script, self.folder, env)


class Notes(BaseHTTPRequestHandler):
    """The API of GitLab for notes: one on each page."""

    notes: ClassVar[list[dict[str, Any]]] = []
    path_of_notes = "/api/v4/projects/3/merge_requests/7/notes"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        assert path == self.path_of_notes
        page = int(dict(each.split("=") for each in query.split("&"))["page"])
        self.answer(self.notes[page - 1 : page], str(page + 1) if page < len(self.notes) else "")

    def do_POST(self) -> None:
        assert self.path == self.path_of_notes
        self.notes.append({"id": len(self.notes) + 1, **self.data()})
        self.answer(self.notes[-1])

    def do_PUT(self) -> None:
        [one] = [n for n in self.notes if self.path == f"{self.path_of_notes}/{n['id']}"]
        one.update(self.data())
        self.answer(one)

    def data(self) -> dict[str, Any]:
        assert self.headers["PRIVATE-TOKEN"] == "secret"
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, value: object, page: str = "") -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("X-Next-Page", page)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def script(text: str, folder: Path, env: dict[str, str]) -> None:
    """Run a job's script as the runner does."""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", text],
        cwd=folder,
        env=users_environment({"CI": "true", **env}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(params=["github", "gitlab"])
def job(
    request: pytest.FixtureRequest, rendered: Render, tmp_path: Path
) -> Iterator[GitHub | GitLab]:
    if request.param == "github":
        yield GitHub(rendered, tmp_path)
        return
    Notes.notes = [{"id": 1, "body": "What a person says."}]
    with ThreadingHTTPServer(("127.0.0.1", 0), Notes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield GitLab(rendered, tmp_path, f"http://127.0.0.1:{server.server_port}/api/v4")
        server.shutdown()


def test_there_is_one_comment_which_later_runs_update(job: GitHub | GitLab) -> None:
    job.run(NOTHING)
    job.run(None)  # lint did not get as far
    assert job.comments() == []
    job.run(REVIEW)
    assert job.comments() == [f"{MARK}\n{REVIEW}"]
    job.run(REVIEW.replace("No findings", "1 finding"))
    assert job.comments() == [f"{MARK}\n{REVIEW}".replace("No findings", "1 finding")]
    job.run(NOTHING)
    assert job.comments() == [f"{MARK}\n{NOTHING}"]
    assert not list(job.folder.rglob("x"))


def test_one_that_is_too_long_is_in_the_summary(rendered: Render, tmp_path: Path) -> None:
    job = GitHub(rendered, tmp_path)
    job.run(REVIEW * 2000)
    [comment] = job.comments()
    assert "too long for a comment" in comment
