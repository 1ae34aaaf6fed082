"""One call with which an env.py of another kind works with the commands of this tool.

    from migrator import environment

    config = context.config
    environment.adopt(config)

The rest of env.py stays as it is. A command hands over a connection, to a shadow database or to the
one that it deploys to: then Alembic uses that one, and each engine that env.py or a revision makes
connects to the same database, whatever its URL is.
"""

import inspect
import logging
from collections.abc import Callable
from typing import Any

from alembic import context as alembic_context
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.util import to_tuple
from sqlalchemy import Connection, MetaData

from migrator.config import alembic_config, application, histories, models, version_table
from migrator.config.context import Context
from migrator.environment import command, guards, redirection
from migrator.errors import UsageError

Options = dict[str, Any]
SEEN = "migrator_options_of_env"
"""In the attributes of the configuration: a list for what env.py gives to `context.configure`."""
NAMES = "migrator_engine_names_of_env"
"""Likewise: a list for the names of databases that it gives to `context.run_migrations`."""
ARGUMENTS = "migrator_arguments_of_env"
"""Likewise: what it gives to `context.run_migrations`, which revisions get as arguments."""
SIGNATURE = inspect.signature(EnvironmentContext.configure)


def adopt(config: Config) -> None:
    """Complete what env.py gives to `context.configure`, and take over its connections.

    Its own options stay: `include_object`, `version_table`, `target_metadata` and so on. Revisions
    have a transaction each.
    """
    running = alembic_context._proxy  # type: ignore[attr-defined]
    if "configure" not in vars(running):
        vars(running)["configure"] = _Configure(running, config)
        vars(running)["run_migrations"] = _RunMigrations(running, config)
        redirection.listen()
        if command.running(config).typed is not None:  # else a command of this tool has done that
            alembic_config.complete(config)
            histories.use(config)
        _name_database(running, config)
        application.enter(config)


def _name_database(running: EnvironmentContext, config: Config) -> None:
    """Let env.py find the URL of the command's database in its configuration."""
    handed_over = config.attributes.get("connection")
    url = ""
    if isinstance(handed_over, Connection):
        url = handed_over.engine.url.render_as_string(hide_password=False)
    elif running.is_offline_mode() and command.running(config).typed is None:
        dialect = Context.of(config).target.dialect  # SQL needs no more
        url = "sqlite://" if dialect == "sqlite" else "postgresql+psycopg://"
    if url:
        config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))


class _Configure:
    """Stands for `context.configure` while env.py runs."""

    def __init__(self, running: EnvironmentContext, config: Config) -> None:
        self.running, self.config = running, config

    def __call__(self, *arguments: Any, **named: Any) -> None:
        """Configure with the options of env.py, completed."""
        given = SIGNATURE.bind(None, *arguments, **named).arguments
        options: Options = {k: v for k, v in given.items() if k not in ("self", "kw")}
        options |= given.get("kw", {})
        if self.config.config_ini_section != histories.MAIN:  # env.py knows of one history
            options |= version_table.options()
        else:
            options = {**version_table.options(), **_given(options)}
        EnvironmentContext.configure(self.running, **self._completed(options))

    def _completed(self, options: Options) -> Options:
        runs = command.running(self.config)
        if runs.typed is None:  # env.py has set up the log of the alembic command
            logging.getLogger("alembic").setLevel(logging.WARNING)
            level = logging.INFO if runs.writes else logging.WARNING
            logging.getLogger("alembic.autogenerate").setLevel(level)
        if self.running.is_offline_mode():
            return self._offline(options)
        own: Connection | None = options.get("connection")
        self.config.attributes.get(SEEN, []).append(dict(options))
        handed_over = self.config.attributes.get("connection")
        if isinstance(handed_over, Connection):
            redirection.same_path(own, handed_over)
            options["connection"] = handed_over
            if handed_over.dialect.name == "sqlite":  # see sqlite/engine.py
                options["transactional_ddl"] = True
        connection: Connection | None = options.get("connection")
        if connection is None:
            return options
        guards.refuse_in_production(Context.of(self.config), runs)
        if connection is own and Context.of(self.config).settings.development_hosts:
            guards.refuse_elsewhere(self.config, runs, connection)
        hook = self.config.attributes.get("on_version_apply", ())
        options["on_version_apply"] = (
            *to_tuple(options.get("on_version_apply"), ()),
            *to_tuple(hook, ()),
        )
        options["transaction_per_migration"] = True
        if runs.compares or runs.writes:
            self._compared(options, connection, runs)
        return options

    def _offline(self, options: Options) -> Options:
        """Return the options for SQL: for a command of this tool, of the database's kind."""
        if command.running(self.config).typed is None:
            options |= {"url": None, "dialect_name": Context.of(self.config).target.dialect}
            options["output_buffer"] = None  # that of the command, and no file
        options["transaction_per_migration"] = True
        return options

    def _compared(self, options: Options, connection: Connection, runs: command.Command) -> None:
        from migrator import autogenerate

        if not isinstance(options.get("target_metadata"), MetaData):
            raise UsageError(
                "env.py gives no MetaData to context.configure(target_metadata=...), or several,"
                " so the models cannot be compared with the database. Give it the one that all"
                " models belong to."
            )
        if self.config.get_main_option("autoimport_models"):
            models.import_models(self.config)
        ours = autogenerate.options(
            connection,
            runs.typed,
            only_compares=not runs.writes,
            production=Context.of(self.config).settings.production,
        )
        for name, join in JOINED.items():
            if theirs := options.get(name):
                ours[name] = join(theirs, ours[name])
        options |= ours


class _RunMigrations:
    """Stands for `context.run_migrations`: of several databases, a command works on one."""

    def __init__(self, running: EnvironmentContext, config: Config) -> None:
        self.running, self.config = running, config
        self.name: Any = None

    def __call__(self, **named: Any) -> None:
        """Run them, unless they are for another database than the first, or `engine_name`."""
        handed_over = isinstance(self.config.attributes.get("connection"), Connection)
        if "engine_name" in named:
            self.config.attributes.get(NAMES, []).append(str(named["engine_name"]))
        if "engine_name" in named and (handed_over or command.running(self.config).typed is None):
            chosen = self.config.get_main_option("engine_name")
            self.name = named["engine_name"] if self.name is None else self.name
            if named["engine_name"] != (self.name if chosen is None else chosen):
                return
        self.config.attributes[ARGUMENTS] = named
        EnvironmentContext.run_migrations(self.running, **named)


def _given(options: Options) -> Options:
    """Leave out names of the version table that env.py has not."""
    return {k: v for k, v in options.items() if v is not None or k not in version_table.KEYS}


def _both(theirs: Callable[..., bool], ours: Callable[..., bool]) -> Callable[..., bool]:
    return lambda *arguments: theirs(*arguments) and ours(*arguments)


def _one_after_the_other(
    theirs: Callable[..., None], ours: Callable[..., None]
) -> Callable[..., None]:
    def process(context: Any, revision: Any, directives: list[Any]) -> None:
        theirs(context, revision, directives)
        if directives:
            ours(context, revision, directives)

    return process


def _either(theirs: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    def render(*arguments: Any) -> Any:
        found = theirs(*arguments)
        return ours(*arguments) if found is False else found

    return render


JOINED: dict[str, Callable[[Any, Any], Any]] = {
    "include_name": _both,
    "include_object": _both,
    "process_revision_directives": _one_after_the_other,
    "render_item": _either,
    "autogenerate_plugins": lambda theirs, ours: tuple(dict.fromkeys((*theirs, *ours))),
}
