"""What revisions would block or break, before they are deployed.

A `rule` holds everything about itself, in a file of its own in `rules/`. `rendering` has the SQL of
revisions, `findings` are what squawk and the rules see in it, `trial` compares them with what the
trace (migrator/trace) saw, `suppressions` are comments in revisions, and `verdict` is the whole.
"""

from migrator.lint.finding import Finding
from migrator.lint.squawk import NotInstalled
from migrator.lint.verdict import Verdict, examine, for_deploy, open_problems

__all__ = ["Finding", "NotInstalled", "Verdict", "examine", "for_deploy", "open_problems"]
