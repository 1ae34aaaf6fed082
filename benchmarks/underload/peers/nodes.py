"""Tools from npm: node-pg-migrate, knex and dbmate."""

import json
from pathlib import Path

from benchmarks.measuring import environment
from benchmarks.underload.peers import node_changes as changes
from benchmarks.underload.peers.tool import Deploy, Tool, installed


class NodeTool(Tool):
    """A package of npm with a program of the same name."""

    packages: tuple[str, ...]  # the tool first
    url_suffix = ""

    def install(self) -> None:
        # Beside the projects, where Node.js looks for packages from within each of them.
        home = self.folder.parent
        package, _, _ = self.packages[0].rpartition("@")
        if not (home / "package.json").exists():
            (home / "package.json").write_text('{"private": true}\n')
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
        installed("npm", "install", *quiet, *self.packages, folder=home)
        about = (home / "node_modules" / package / "package.json").read_text()
        self.version = json.loads(about)["version"]
        self.program = str(home / "node_modules/.bin" / package)
        self.start()

    def start(self) -> None:
        """Write the project, with its first migration."""
        raise NotImplementedError

    def run(self, folder: Path, *arguments: str) -> Deploy:
        """Return the tool's command."""
        plain = self.url.replace("+psycopg", "")
        variables = environment(DATABASE_URL=plain + self.url_suffix)
        return Deploy((self.program, *arguments), folder, variables)


class NodePgMigrate(NodeTool):
    """`node-pg-migrate up`."""

    name = "node-pg-migrate"
    about = "`node-pg-migrate up`"
    packages = ("node-pg-migrate@^9", "pg@^8")

    def start(self) -> None:
        (self.folder / "migrations").mkdir(parents=True)
        self._write(self.folder, 1, "")

    def write(self, folder: Path, change: str) -> None:
        self._write(folder, 2, changes.NODE_PG_MIGRATE[change])

    def deploy(self, folder: Path) -> Deploy:
        return self.run(folder, "up")

    def _write(self, folder: Path, number: int, body: str) -> None:
        path = folder / f"migrations/170000000000{number}_change.cjs"
        path.write_text(f"exports.up = (pgm) => {{\n  {body}\n}};\n")


class Knex(NodeTool):
    """`knex migrate:latest`."""

    name = "knex"
    about = "`knex migrate:latest`"
    packages = ("knex@^3", "pg@^8")

    def start(self) -> None:
        (self.folder / "migrations").mkdir(parents=True)
        (self.folder / "knexfile.js").write_text(
            'module.exports = {client: "pg", connection: process.env.DATABASE_URL};\n'
        )
        self._write(self.folder, 1, "")

    def write(self, folder: Path, change: str) -> None:
        body = changes.KNEX[change]
        self._write(
            folder, 2, f'await knex.schema.alterTable("accounts", (table) => {{ {body} }});'
        )

    def deploy(self, folder: Path) -> Deploy:
        return self.run(folder, "migrate:latest")

    def _write(self, folder: Path, number: int, body: str) -> None:
        path = folder / f"migrations/2026010100000{number}_change.js"
        up = f"exports.up = async (knex) => {{\n  {body}\n}};\n"
        path.write_text(f"{up}exports.down = async (knex) => {{}};\n")


class Dbmate(NodeTool):
    """`dbmate up`."""

    name = "dbmate"
    about = "`dbmate --no-dump-schema up`"
    packages = ("dbmate@^2",)
    url_suffix = "?sslmode=disable"

    def start(self) -> None:
        (self.folder / "db/migrations").mkdir(parents=True)
        self._write(self.folder, 1, "SELECT 1;")

    def write(self, folder: Path, change: str) -> None:
        self._write(folder, 2, changes.SQL[change])

    def deploy(self, folder: Path) -> Deploy:
        # What it would dump is for the repository, which a deploy does not have.
        return self.run(folder, "--no-dump-schema", "up")

    def _write(self, folder: Path, number: int, statement: str) -> None:
        path = folder / f"db/migrations/2026010100000{number}_change.sql"
        path.write_text(f"-- migrate:up\n{statement}\n\n-- migrate:down\n")
