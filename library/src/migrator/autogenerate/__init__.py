"""What autogenerate writes: revisions that a busy PostgreSQL does not notice, and nothing silently.

hooks        the options of context.configure, and what Alembic calls
consent      what has to be asked for by name: drops, and changes that rewrite a table
steps        the pieces that revisions are made of
columns      new, changed and dropped columns as steps
values       what rows that are there get in a new column
differences  each difference as steps
phases       the steps as up to three revisions: expand, online, contract
probe        asks PostgreSQL what it would rewrite
checks       notices checks that came, went, or say something else
writing      how the operations of migrator.operations are written down
"""

from migrator.autogenerate.hooks import options

__all__ = ["options"]
