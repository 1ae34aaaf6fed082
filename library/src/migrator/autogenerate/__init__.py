"""What autogenerate writes: revisions that a busy PostgreSQL does not notice, and nothing silently.

alembic_options    the options of context.configure, and what Alembic calls
comparison         the catalogs of the database and of the models, which are the judge
hidden_tables      tables that are not compared
consent            what has to be named on the command line: drops, and what rewrites a table
phase_rules        each difference as steps, with the phase that each belongs to
split              the steps as revisions, up to three: expand, online (non-transactional), contract
steps              the pieces that revisions are made of
columns            new, changed and dropped columns as steps
defaults           what existing rows get in a new column
probe              asks PostgreSQL what it would rewrite
check_constraints  CHECK constraints that came, went, or have another condition
enums              PostgreSQL's enum types
schemas            schemas that new tables need
sqlite             what is proposed on SQLite, from the catalogs alone
column_types       column types and SQL as revisions have them
"""

from migrator.autogenerate.alembic_options import options

__all__ = ["options"]
