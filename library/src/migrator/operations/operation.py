"""What all operations of this package have in common: how they are registered, run and written."""

from typing import Any, ClassVar

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.schema import AddConstraint

from migrator.operations import names
from migrator.operations.session import Session, outside_transaction

IMPORT = "from migrator.operations import op"


class Operation(MigrateOperation):
    """An operation for tables in use: `op.<renders_as>(...)`, with the constructor's parameters.

    To be derived from, before a class of Alembic's if there is one that says the same. A class with
    `renders_as` is known to Alembic as soon as it is defined; its docstring is what `help` shows.
    """

    renders_as: ClassVar[str]
    """Its name on `op`, and in the revisions that autogenerate writes."""

    transactional: ClassVar[bool] = False
    """Whether it is part of the revision's transaction; those that are not come first in one."""

    plain: bool = False
    """Run the plain operation instead, in the revision's transaction."""

    back: MigrateOperation | None = None
    """What reverts it, where that is known only to who has made the operation."""

    def adds(self, context: MigrationContext) -> str:
        """Return the statement that would add what rows have to hold, or nothing.

        It is for those who look for rows that violate it.
        """
        if isinstance(self, ops.AddConstraintOp):
            return names.compiled(AddConstraint(self.to_constraint(context)))
        return ""

    def reverse(self) -> MigrateOperation:
        """Return the operation that reverts it."""
        if self.back is None:
            raise NotImplementedError
        return self.back

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if name := vars(cls).get("renders_as"):
            _register(cls, name)

    def run(self, operations: Operations) -> None:
        """Run it, or the plain operation where it is to be that, or the database is another one."""
        if self.plain or operations.impl.dialect.name != "postgresql":
            self.run_plain(operations)
        elif self.transactional:
            self.run_in_steps(Session(operations.migration_context))
        else:
            with outside_transaction(operations, self.renders_as) as session:
                self.run_in_steps(session)

    def run_in_steps(self, session: Session) -> None:
        """Run it on PostgreSQL: look at the catalog first, and do only what is missing."""
        raise NotImplementedError

    def run_plain(self, operations: Operations) -> None:
        """Run the plain operation that it stands for."""
        raise NotImplementedError

    def render(self, context: AutogenContext) -> str:
        """Return the call to write into a revision, as Alembic writes what it is derived from.

        One that is derived from nothing of Alembic's overrides it, with `call`.
        """
        order = type(self).__mro__
        context.imports.add(IMPORT)
        written: Any = renderers.dispatch(order[order.index(Operation) + 1])(context, self)
        text = written if isinstance(written, str) else written[0]
        _, arguments = text.split("(", 1)
        return f"op.{self.renders_as}({arguments}"

    def call(self, context: AutogenContext, *arguments: str, **more: Any) -> str:
        """Return a call of it.

        Args:
            arguments: in Python.
            more: arguments by name, left out if None.
        """
        context.imports.add(IMPORT)
        named = [f"{key}={value!r}" for key, value in more.items() if value is not None]
        return f"op.{self.renders_as}({', '.join([*arguments, *named])})"


def validated(op: ops.AddConstraintOp) -> ops.AddConstraintOp | None:
    """Return the operation of this package that adds the same constraint, if there is one."""
    for kind in Operation.__subclasses__():
        if issubclass(kind, type(op)):
            return kind.from_constraint(op.to_constraint())
    return None


def _register(kind: type[Operation], name: str) -> None:
    def method(cls: type[Operation], operations: Operations, *arguments: Any, **more: Any) -> None:
        operations.invoke(cls(*arguments, **more))

    method.__name__, method.__doc__ = name, kind.__doc__
    setattr(kind, name, classmethod(method))  # where Alembic looks for it
    Operations.register_operation(name)(kind)


@Operations.implementation_for(Operation)
def _run(operations: Operations, operation: Operation) -> None:
    impl: Any = operations.impl
    impl.operation = operation  # for who collects the statements
    try:
        operation.run(operations)
    finally:
        impl.operation = None


@renderers.dispatch_for(Operation)
def _render(context: AutogenContext, operation: Operation) -> str:
    return operation.render(context)
