"""docs/application.md: its service and its test, as they stand there."""

import subprocess
import sys

import pytest

from tests.conftest import Renderer, users_environment
from tests.pages.blocks import blocks_of


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_the_service_of_the_page(renderer: Renderer, database: str) -> None:
    with renderer.stopping():
        project = renderer.ready(database=database)
        page = project.read("docs/application.md")
        for block in blocks_of(page):
            if block.language == "python":
                name = block.text.partition("\n")[0].removeprefix("# ")
                (project.path / name).write_text(block.text, encoding="utf-8")
        project.make("migrate")
        for command in (
            ["ruff", "check", "."],
            ["ruff", "format", "--check", "app", "tests"],
            ["pytest", "-q", "tests/test_main.py", "tests/test_database.py"],
        ):
            done = subprocess.run(
                # FastAPI is installed with this repository, and not with every project.
                [sys.executable, "-m", *command],
                cwd=project.path,
                env=users_environment({"PYTHONPATH": str(project.path)}),
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        assert "passed" in done.stdout
