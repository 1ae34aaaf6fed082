"""What SQL does, read with PostgreSQL's own parser, as plain data for the rules.

`reader` returns the `Action`s of a statement: `tables`, `columns`, `rows`, `objects`, `session`
and `maintenance` know the statements of their kind, `nodes` and `expressions` what is common to
them, and `blocks` finds the statements in PL/pgSQL. The parser takes a moment to import, so only
lint imports this package.
"""

from migrator.lint.statements.action import Action, Type
from migrator.lint.statements.reader import Read, read

__all__ = ["Action", "Read", "Type", "read"]
