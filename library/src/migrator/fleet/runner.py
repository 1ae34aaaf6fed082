"""Applies revisions to one tenant on a session that is there already, in one attempt.

A lock that is not granted at once is the business of an ordinary deploy, which waits for blockers,
backs off and retries.
"""

from collections.abc import Sequence
from typing import Any

from alembic.runtime.migration import MigrationStep, RevisionStep
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.deploy.deployment import Deployment
from migrator.deploy.non_transactional import NonTransactional
from migrator.deploy.runner import Runner
from migrator.fleet.session import Session
from migrator.revisions.log import Log


class Changed(Exception):
    """The tenant is at `heads`, not where it was when the deploy was planned."""

    def __init__(self, heads: tuple[str, ...]) -> None:
        super().__init__(heads)
        self.heads = heads


class TenantRunner(Runner):
    """One attempt, on `session`, in the schema `schema`."""

    def __init__(
        self,
        deployment: Deployment,
        log: Log,
        session: Session,
        schema: str,
        outside: NonTransactional,
    ) -> None:
        super().__init__(deployment, log)
        self.session = session
        self.schema = schema
        self.outside = outside

    def run(self) -> None:
        """Apply all of the plan.

        Raises:
            Changed: somebody else has deployed to it meanwhile.
            DBAPIError: a lock was not granted, or anything else that a revision may raise.
        """
        migration = self.session.migration
        self.session.on_applied = self._write_log
        migration._migrations_fn = self._steps
        migration.run_migrations()

    def kept(self) -> Sequence[str]:
        """Return the statements that the failed revision has committed on its own."""
        return list(self.outside.changes)

    def found_steps(self, heads: Any) -> Sequence[RevisionStep]:
        """Return the steps of the plan, which many tenants share."""
        plan, revisions = self.deployment.plan, self.deployment.revisions
        if {*heads} != {*plan.current}:
            raise Changed(tuple(heads))
        return [
            MigrationStep.upgrade_from_script(revisions.revision_map, script)
            for script in plan.pending
        ]

    def connected(self, connection: Connection) -> None:
        """Do nothing: the session has been connected for long."""

    def before_revision(self) -> None:
        """Do nothing."""

    def before_attempt(self, connection: Connection) -> None:
        """Forget what the revision before has committed by itself."""
        self.current.lock_timeout = self.limits.lock_timeout
        self.outside.next_revision()

    def after_change(self, connection: Connection) -> None:
        """Forget what the revision has set for its session."""
        self.session.settle(self.schema)

    def before_commit(self) -> None:
        """Tell the revision's own commits from that of the whole."""
        self.outside.is_to_commit()

    def after_commit(self, connection: Connection) -> None:
        """Do nothing: standbys are waited for when all tenants of a batch are done."""

    def after_attempts(self) -> None:
        """Do nothing."""

    def lock_timeout(self, error: DBAPIError) -> tuple[float, str]:
        """Not retried here."""
        raise error
