"""What revisions would block or break, before they are deployed.

A `rule` holds everything about itself, in a file of its own in `rules/`, and looks at a `candidate`
or at what was `observed`. `rendering` has the SQL of revisions, `statements` what the SQL does,
`known_schema` what it meets there, `known_catalog` that of a database, `known_changes` how it
changes that, `before` and `history` what is known before a revision and before an action;
`python_code` is what the revisions are written in. `placed_actions` are all actions of one, and
`new_objects` what it makes itself. `sql_findings` are what the rules see in all this, `trial`
compares them with what the trace (migrator/trace) saw, and `revision_findings` does both.
`suppressions` are comments in revisions, `notes` say what was not tried, and `verdict` is the
whole; `trace_problems` are for a trace alone.
"""

from migrator.lint.finding import Finding
from migrator.lint.verdict import Verdict, accept_written, examine, for_deploy

__all__ = ["Finding", "Verdict", "accept_written", "examine", "for_deploy"]
