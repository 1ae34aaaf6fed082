"""Read SQL just far enough: the only place where a regular expression looks at a statement.

`tokens` knows what is a string, a comment and a word; `names`, `subjects` and `columns` say what a
statement is about, `effects` what it is to a session, `definitions` are those of the catalog,
`values` are constants and types, and `dump` reads what pg_dump writes. Lint has PostgreSQL's own
parser (`migrator.lint.statements`); this is for what has to start at once.
"""

from migrator.postgres.sql.columns import (
    retyped,
)
from migrator.postgres.sql.definitions import (
    calls_as_syntax,
    index_definition,
    is_key,
    key_index,
    repeatable,
)
from migrator.postgres.sql.effects import (
    changes_nothing,
    changes_rows,
    detached_partition,
    finalized,
    first_word,
    if_not_exists,
    is_concurrent,
    is_repeatable,
    looks_at_server,
    only_reads,
    runs_alone,
    sent,
    validates,
)
from migrator.postgres.sql.names import identifiers, mentions, plain, qualified, sequence, sequences
from migrator.postgres.sql.subjects import (
    actions,
    altered_table,
    concurrent_index,
    dropped_columns,
    dropped_tables,
    index_form,
)
from migrator.postgres.sql.tokens import bare, begins, body, has, split, tokens, words
from migrator.postgres.sql.values import (
    base_type,
    constants,
    digits,
    for_text,
    length,
    numbered,
)

__all__ = [
    "actions",
    "altered_table",
    "bare",
    "base_type",
    "begins",
    "body",
    "calls_as_syntax",
    "changes_nothing",
    "changes_rows",
    "concurrent_index",
    "constants",
    "detached_partition",
    "digits",
    "dropped_columns",
    "dropped_tables",
    "finalized",
    "first_word",
    "for_text",
    "has",
    "identifiers",
    "if_not_exists",
    "index_definition",
    "index_form",
    "is_concurrent",
    "is_key",
    "is_repeatable",
    "key_index",
    "length",
    "looks_at_server",
    "mentions",
    "numbered",
    "only_reads",
    "plain",
    "qualified",
    "repeatable",
    "retyped",
    "runs_alone",
    "sent",
    "sequence",
    "sequences",
    "split",
    "tokens",
    "validates",
    "words",
]
