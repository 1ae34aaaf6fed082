"""This project: a rendering, with each change as its autogenerate writes it from the models."""

import subprocess
from pathlib import Path

from benchmarks import projects
from benchmarks.measuring import environment
from benchmarks.projects import PYTHON
from benchmarks.underload.peers.alembics import OPERATIONS, write_revision
from benchmarks.underload.peers.our_models import models
from benchmarks.underload.peers.tool import Deploy, Tool

# What has to be asked for by name, and what no comparison can see.
ASKED = {"drop-column": ("-x", "drop=accounts.legacy")}
RENAME = "# migrator: allow renaming-column because nothing that runs uses it\n    {}"


class Ours(Tool):
    """A rendering of this template and its deploy script."""

    name = "this project"
    about = "`scripts/deploy_migrations.py` with its defaults, without the backup"

    def __init__(self, folder: Path, url: str, template: Path) -> None:
        super().__init__(folder, url)
        self.template = template
        self.options: tuple[str, ...] = ()

    def install(self) -> None:
        project = projects.render(self.template, self.folder.with_name("rendering"))
        project.folder.rename(self.folder)
        (self.folder / "app/models/account.py").write_text(models())
        write_revision(self.folder / "migrations/versions", 1, "pass")
        # A million rows would be dumped for each trial; a dump blocks nobody who works.
        self.give_up("--no-backup")

    def write(self, folder: Path, change: str) -> None:
        (folder / "app/models/account.py").write_text(models(change))
        if change == "rename-column":
            body = RENAME.format(OPERATIONS[change])
            write_revision(folder / "migrations/versions", 2, body)
            return
        command = ("revision", "--autogenerate", "-m", "a change")
        projects.Project(folder, folder / "migrations/versions", self.url).run(
            *projects.ALEMBIC, *ASKED.get(change, ()), *command
        )

    def deploy(self, folder: Path) -> Deploy:
        command = (PYTHON, "scripts/deploy_migrations.py", *self.options)
        return Deploy(command, folder, environment(DATABASE_URL=self.url))

    def give_up(self, flag: str) -> None:
        """Deploy with a flag that leaves out a step, from now on."""
        usage = subprocess.run(
            (PYTHON, "scripts/deploy_migrations.py", "--help"),
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        if flag in usage:
            self.options = (*self.options, flag)
