"""What autogenerate writes: revisions that a busy PostgreSQL does not notice, and nothing silently.

hooks              the options of context.configure, and what Alembic calls
consent            what has to be named on the command line: drops, and what rewrites a table
phases             the revisions, up to three: expand, online (non-transactional), contract
differences        each difference as steps
steps              the pieces that revisions are made of
columns            new, changed and dropped columns as steps
defaults           what existing rows get in a new column
probe              asks PostgreSQL what it would rewrite
check_constraints  CHECK constraints that came, went, or have another condition
enums              PostgreSQL's enum types
schemas            schemas that new tables need
column_types       column types and SQL as revisions have them
"""

from migrator.autogenerate.hooks import options

__all__ = ["options"]
