"""A project that is to be adopted, and what is known of it."""

from dataclasses import dataclass, field

from migrator.adopt import project_layout
from migrator.adopt.database import Database
from migrator.adopt.env_file import EnvFile
from migrator.adopt.own_models import Models
from migrator.adopt.project_layout import Layout
from migrator.adopt.replay import Replay
from migrator.adopt.report import Problem, Report
from migrator.catalog import Difference


@dataclass
class Wanted:
    """What the command line says.

    Args:
        config: the ini file.
        database_url: the database to compare with.
        shadow_url: on whose server shadow databases are made; `devserver` for that of the package.
        flask_app: the application, as in FLASK_APP.
    """

    config: str = project_layout.INI
    database_url: str = ""
    shadow_url: str = ""
    flask_app: str = ""
    host: str | None = None


@dataclass
class Adoption:
    """A project, and what is known of it."""

    wanted: Wanted
    layout: Layout
    env: EnvFile
    app: str = ""
    shadow_url: str = ""
    shadow_name: str | None = None
    replay: Replay = field(default_factory=Replay)
    models: Models = field(default_factory=Models)
    database: Database | None = None
    drift: list[Difference] = field(default_factory=list)
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        own = self.layout
        self.report = Report(
            ini=own.shown(own.settings),
            script_location=own.shown(own.scripts),
            version_locations=[own.shown(each) for each in own.locations],
            env=own.shown(own.env),
            env_kind=self.env.kind,
            env_adopted=self.env.adopted,
        )

    def problem(self, code: str, text: str) -> None:
        """Note something that does not fit."""
        self.report.problems.append(Problem(code, text))
