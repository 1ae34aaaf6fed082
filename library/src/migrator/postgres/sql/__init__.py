"""Read SQL just far enough: the only place where a regular expression looks at a statement.

`tokens` knows what is a string, a comment and a word; `names`, `subjects` and `columns` say what a
statement is about, `effects` and `settings` what it is to a session, `values` are constants and
types, and `dump` reads what pg_dump writes.
"""

from migrator.postgres.sql.columns import (
    added,
    adds_constraint,
    constraint,
    drops_default,
    filled,
    removes,
    required,
)
from migrator.postgres.sql.effects import (
    changes_nothing,
    changes_rows,
    drops_tables_of_schema,
    first_word,
    has_weak_lock,
    if_not_exists,
    is_concurrent,
    is_limited,
    is_repeatable,
    moves_tables,
    only_reads,
    renames_enum_value,
    rewrites_table,
    runs_alone,
    sent,
    validates,
)
from migrator.postgres.sql.names import identifiers, mentions, name, plain, qualified
from migrator.postgres.sql.settings import Setting, settings
from migrator.postgres.sql.subjects import (
    Subject,
    actions,
    concurrent_index,
    dropped_columns,
    dropped_tables,
    index_form,
    made,
    may_exist,
    subject,
)
from migrator.postgres.sql.tokens import bare, begins, body, has, nested, split, tokens, words
from migrator.postgres.sql.values import base_type, constants, for_text, length, numbered

__all__ = [
    "Setting",
    "Subject",
    "actions",
    "added",
    "adds_constraint",
    "bare",
    "base_type",
    "begins",
    "body",
    "changes_nothing",
    "changes_rows",
    "concurrent_index",
    "constants",
    "constraint",
    "dropped_columns",
    "dropped_tables",
    "drops_default",
    "drops_tables_of_schema",
    "filled",
    "first_word",
    "for_text",
    "has",
    "has_weak_lock",
    "identifiers",
    "if_not_exists",
    "index_form",
    "is_concurrent",
    "is_limited",
    "is_repeatable",
    "length",
    "made",
    "may_exist",
    "mentions",
    "moves_tables",
    "name",
    "nested",
    "numbered",
    "only_reads",
    "plain",
    "qualified",
    "removes",
    "renames_enum_value",
    "required",
    "rewrites_table",
    "runs_alone",
    "sent",
    "settings",
    "split",
    "subject",
    "tokens",
    "validates",
    "words",
]
