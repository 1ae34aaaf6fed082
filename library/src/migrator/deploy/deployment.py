"""One deploy or rollback: what was asked for, and what is known of it so far."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from migrator import database
from migrator.config.context import Context
from migrator.config.invocation import command
from migrator.deploy.attempts import Attempts
from migrator.deploy.report import Report
from migrator.errors import MigratorError
from migrator.postgres.unfinished import Unfinished
from migrator.revisions import deploy_lock, graph
from migrator.revisions.pending import Plan

if TYPE_CHECKING:
    from migrator.backup import Backup  # which is not loaded when there is nothing to do


@dataclass(frozen=True)
class Worker:
    """The session that applies revisions, as `pg_stat_activity` has it."""

    pid: int
    start: datetime


@dataclass(frozen=True)
class Options:
    """What the command line says; `without` are the names of the steps to skip.

    `phase` "expand" stops before the first revision that the old code cannot work with;
    "contract" is for the rest, when no old code runs any more.
    """

    to: str = "head"
    phase: str | None = None
    without: Sequence[str] = ()
    now: bool = False
    accepted_risk: str | None = None


@dataclass
class Deployment:
    """What the steps of a deploy or a rollback know, and hand on to each other.

    `name` is the command. `to` is how far to go, and `plan` the revisions on the way. `later` is
    the number of revisions that are left for --phase contract. `unfinished` are the indexes and
    constraints that were unfinished before the deploy. `control` is the connection that holds the
    deploy lock, in autocommit mode; None on SQLite, as is `worker`, the session that applies.
    `working` is whether a revision has begun. `state` is the fingerprint of the schema in the
    backup, while nothing is committed that it lacks. `applied` are the revisions that were applied
    or reverted, and `failed` the one that could not be. `over` ends the deploy after the current
    step.
    """

    upgrades: ClassVar[bool] = True
    name: ClassVar[str] = "deploy"
    context: Context
    options: Options
    report: Report
    read: InitVar[ScriptDirectory | None] = None
    revisions: ScriptDirectory = field(init=False)
    to: str = field(init=False)
    plan: Plan = field(init=False)
    later: int = field(default=0, init=False)
    unverified: bool = field(default=False, init=False)
    unfinished: Sequence[Unfinished] = field(default=(), init=False)
    control: Connection | None = field(default=None, init=False)
    has_lock: bool = field(default=False, init=False)
    working: bool = field(default=False, init=False)
    worker: Worker | None = field(default=None, init=False)
    backup: "Backup | None" = field(default=None, init=False)
    state: str = field(default="", init=False)
    applied: Sequence[Attempts] = field(default=(), init=False)
    failed: Attempts | None = field(default=None, init=False)
    over: bool = field(default=False, init=False)
    began: float = field(default_factory=time.monotonic, init=False)
    locks: ExitStack = field(default_factory=ExitStack, init=False)

    def __post_init__(self, read: ScriptDirectory | None) -> None:
        """Read the revision files, unless `read` are those that have been read already."""
        self.revisions = read or graph.load(self.context)
        self.to = self.options.to

    def skips(self, step: str) -> bool:
        """Tell whether a step was to be skipped."""
        return step in self.options.without

    def take_lock(self) -> None:
        """Take the deploy lock, and keep it until the end; say who has it meanwhile.

        Raises:
            LockTimeout: another deploy has kept it for too long.
        """
        held = deploy_lock.only_deployer(
            self.context, lambda message: self.report.waiting("lock", message)
        )
        self.control = self.locks.enter_context(held)
        self.has_lock = True

    def release_lock(self) -> None:
        """Let go of the deploy lock, whose connection may be lost."""
        self.has_lock, self.control = False, None
        with suppress(MigratorError, SQLAlchemyError):
            self.locks.close()

    def keeps_lock(self) -> bool:
        """Tell whether the connection that holds the deploy lock lives; SQLite has none."""
        return self.control is None or database.lives(self.control)

    @property
    def logged(self) -> bool:
        """Whether the migration log is written, so that the next deploy knows of this one."""
        return not self.skips("log")

    @property
    def again(self) -> str:
        """The command that goes on with the same revisions and no others."""
        if not self.plan.upgrade:
            return command(self.context, "rollback", to=self.plan.target)
        to = self.options.to if self.options.to != "head" else ""
        return command(self.context, "deploy", phase=self.options.phase or "", to=to)
