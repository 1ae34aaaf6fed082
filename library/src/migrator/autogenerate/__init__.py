"""What autogenerate writes: revisions that a busy PostgreSQL does not notice, and nothing silently.

alembic_options    the options of context.configure, and what Alembic calls
comparison         the catalogs of the database and of the models, which are the judge
hidden_tables      tables that are not compared
consent            what has to be named on the command line: drops, and what rewrites a table
phase_rules        each difference as steps, with the attributes of the revision they belong to
cannot_break_old_code  new indexes and constraints that old code cannot violate
dependents         the indexes and constraints that PostgreSQL drops with a column
split              the steps as revisions, up to four: expand, expand (non-transactional),
                   contract (non-transactional), contract
steps              the pieces that revisions are made of
new_columns        new columns as steps
changed_columns    changed ones
dropped_columns    dropped ones
column_steps       what these three share
column_comparison  which columns differ, by their catalogs
column_state       what a catalog has of a column
transition         the operations from one state of a column to another, either way
affected_rows      how many rows of the developer's database a change would not keep
trial              a change tried in a savepoint, with the others of its revision
defaults           what existing rows get in a new column
held_columns       what has to be away while columns change their types
probe              asks PostgreSQL what it would rewrite
reparsed           definitions that PostgreSQL has read once more
constraints        indexes and constraints that differ, in place of Alembic's comparisons
indexes_and_constraints  what leads from those of a table to those of its model
described          indexes and constraints of the models, by their names in the database
reflected          those of the database, as far as SQLAlchemy reads all of them
renamed_constraints  indexes and constraints that only have another name
replacements       operations from the definitions in the catalogs
models_schema      builds what the models describe, for the comparison
extensions         the extension that provides what the models lack
named_types        enum types and domains as revisions refer to them
schema_objects     schemas, sequences and named types that come, change or go
added_values       values that enum types get
enum_values        enum types that lose values, or have them in another order
replaced_types     enum types and domains that others replace
definitions        the statements for those
whole_tables       created and dropped tables, complete
table_order        in which order; foreign keys of a cycle
table_operations   the operations
table_trial        what is missing in them, found by trying
table_definition   the statements that create a table as a catalog describes it
sqlite             what is proposed on SQLite, from the catalogs alone
column_types       column types and SQL as revisions have them
"""

from migrator.autogenerate.alembic_options import options

__all__ = ["options"]
