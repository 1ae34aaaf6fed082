"""Django, and two packages that make its migrations safer."""

from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measuring import environment
from benchmarks.projects import PYTHON
from benchmarks.underload.peers import django_changes as changes
from benchmarks.underload.peers.tool import Deploy, Tool, installed, output

MANAGE = """import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
SETTINGS = """DATABASES = {{
    "default": {{
        "ENGINE": "{engine}",
        "HOST": "{at.hostname}",
        "PORT": {at.port},
        "USER": "{at.username}",
        "PASSWORD": "{at.password}",
        "NAME": "{name}",
    }}
}}
INSTALLED_APPS = {apps}
USE_TZ = True
"""


class Django(Tool):
    """`manage.py migrate`."""

    name = "Django"
    about = "`manage.py migrate`"
    engine = "django.db.backends.postgresql"
    apps: tuple[str, ...] = ("bank",)
    settings = ""
    package = "django"
    operations = changes.PLAIN

    def install(self) -> None:
        # One environment for all three, beside their projects.
        home = self.folder.with_name("django-environment")
        self.python = str(home / "bin/python")
        if not home.exists():
            installed(PYTHON, "-m", "venv", str(home), folder=self.folder)
        pip = (self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        needs = ("django>=5.2,<7", "psycopg[binary]>=3.3", self.package)
        installed(*pip, *needs, folder=self.folder)
        show = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
        self.version = output(self.python, "-c", show, self.package)
        at = urlsplit(self.url)
        (self.folder / "manage.py").write_text(MANAGE)
        (self.folder / "settings.py").write_text(
            SETTINGS.format(engine=self.engine, at=at, name=at.path[1:], apps=self.apps)
            + self.settings
        )
        migrations = self.folder / "bank/migrations"
        migrations.mkdir(parents=True)
        for package in (migrations.parent, migrations):
            (package / "__init__.py").touch()
        (migrations / "0001_initial.py").write_text(changes.INITIAL)

    def first(self, folder: Path) -> Deploy:
        # The tables exist; this is how Django is told so.
        return self._manage(folder, "migrate", "--fake", "bank", "0001")

    def write(self, folder: Path, change: str) -> None:
        text = changes.migration(self.operations[change])
        (folder / "bank/migrations/0002_change.py").write_text(text)

    def deploy(self, folder: Path) -> Deploy:
        return self._manage(folder, "migrate")

    def _manage(self, folder: Path, *arguments: str) -> Deploy:
        return Deploy((self.python, "manage.py", *arguments), folder, environment())


class ZeroDowntime(Django):
    """django-pg-zero-downtime-migrations with the settings of its README."""

    name = "django-pg-zero-downtime-migrations"
    about = "`manage.py migrate` with the settings of its README"
    engine = "django_zero_downtime_migrations.backends.postgres"
    package = name
    settings = """ZERO_DOWNTIME_MIGRATIONS_LOCK_TIMEOUT = "2s"
ZERO_DOWNTIME_MIGRATIONS_STATEMENT_TIMEOUT = "2s"
ZERO_DOWNTIME_MIGRATIONS_FLEXIBLE_STATEMENT_TIMEOUT = True
ZERO_DOWNTIME_MIGRATIONS_RAISE_FOR_UNSAFE = True
"""


class MigrationTools(Django):
    """django-pg-migration-tools with its operations, a short lock_timeout and retries."""

    name = "django-pg-migration-tools"
    about = (
        "its `Safer*` operations and `manage.py migrate_with_timeouts --lock-timeout-in-ms=200"
        " --lock-timeout-max-retries=10`"
    )
    apps = ("django.contrib.postgres", "django_pg_migration_tools", "bank")
    package = name
    operations = changes.PLAIN | changes.SAFER

    def deploy(self, folder: Path) -> Deploy:
        limits = ("--lock-timeout-in-ms=200", "--lock-timeout-max-retries=10")
        return self._manage(folder, "migrate_with_timeouts", *limits)
