"""This project: a rendering, with each change as a careful user of it writes it."""

import subprocess
from pathlib import Path

from benchmarks import projects
from benchmarks.measuring import environment
from benchmarks.projects import PYTHON
from benchmarks.underload.peers.alembics import OPERATIONS, write_revision
from benchmarks.underload.peers.our_models import models
from benchmarks.underload.peers.tool import Deploy, Tool

OUTSIDE = "with op.get_context().autocommit_block():\n        "
VALIDATE = f'{OUTSIDE}op.execute("ALTER TABLE accounts VALIDATE CONSTRAINT {{}}")'
CONCURRENTLY = "postgresql_concurrently=True, if_not_exists=True"
NOT_VALID = "postgresql_not_valid=True"
CHECK = f'op.create_check_constraint(op.f("{{}}"), "accounts", "{{}}", {NOT_VALID})'
ALLOW = "# migrator: allow {} because nothing that runs uses it\n    {}"
# What takes more than one revision, or another form than in plain Alembic.
SAFE = {
    "drop-column": [ALLOW.format("ban-drop-column", OPERATIONS["drop-column"])],
    "rename-column": [ALLOW.format("renaming-column", OPERATIONS["rename-column"])],
    "index": [
        f'{OUTSIDE}op.create_index("ix_accounts_region", "accounts", ["region"], {CONCURRENTLY})'
    ],
    "unique": [
        f'{OUTSIDE}op.create_index("uq_accounts_code", "accounts", ["code"], unique=True,'
        f" {CONCURRENTLY})",
        'op.execute("ALTER TABLE accounts ADD CONSTRAINT uq_accounts_code'
        ' UNIQUE USING INDEX uq_accounts_code")',
    ],
    "foreign-key": [
        OPERATIONS["foreign-key"].removesuffix(")") + f", {NOT_VALID})",
        VALIDATE.format("fk_accounts_branch_id_branches"),
    ],
    "check": [
        CHECK.format("ck_accounts_region", "region >= 0"),
        VALIDATE.format("ck_accounts_region"),
    ],
    "not-null": [
        CHECK.format("ck_accounts_owner", "owner IS NOT NULL"),
        VALIDATE.format("ck_accounts_owner"),
        OPERATIONS["not-null"] + '\n    op.drop_constraint(op.f("ck_accounts_owner"), "accounts")',
    ],
}


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
        for number, body in enumerate(SAFE.get(change, [OPERATIONS[change]]), start=2):
            write_revision(folder / "migrations/versions", number, body)
        (folder / "app/models/account.py").write_text(models(change))

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
