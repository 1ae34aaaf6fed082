"""Every rule: why it is one, the safe form in this project's operations, who can disprove it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`reason` and `safe` are sentences for people.

    A `lock` rule is about how long others wait, and our own operations are known to be safe there;
    the others are about code that still runs. Where the trace has the last word, because squawk
    judges by the form and not by what happens, a rule is `tried`.
    """

    reason: str
    safe: str
    lock: bool = True
    tried: bool = False


INDEX = Rule(
    "Building an index locks the table against writes for as long as it takes.",
    "op.create_index_concurrently(...), in a revision of its own.",
    tried=True,
)
ADDED_CONSTRAINT = Rule(
    "Adding a constraint scans the whole table while it is locked.",
    "op.add_check_validated(...) or op.add_foreign_key_validated(...): added as NOT VALID, then"
    " validated, which blocks nobody.",
    tried=True,
)
REMOVED = "code that still runs reads and writes it: the deploy breaks it"
# Those of squawk that are about locks and running code; its others are about style.
SQUAWK = {
    "require-concurrent-index-creation": INDEX,
    "require-concurrent-index-deletion": Rule(
        "DROP INDEX locks the table against reads and writes, and waits for running queries first.",
        "op.drop_index_concurrently(...).",
    ),
    "require-concurrent-reindex": Rule(
        "REINDEX locks the table against writes for as long as it takes.",
        "REINDEX ... CONCURRENTLY in op.get_context().autocommit_block().",
    ),
    "require-concurrent-partition-detach": Rule(
        "Detaching a partition locks the partitioned table against reads and writes.",
        "ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY in op.get_context().autocommit_block().",
    ),
    "ban-concurrent-index-creation-in-transaction": Rule(
        "CONCURRENTLY does not work inside a transaction: the revision fails.",
        "op.create_index_concurrently(...), which leaves the transaction first.",
    ),
    "constraint-missing-not-valid": ADDED_CONSTRAINT,
    "adding-foreign-key-constraint": Rule(
        "Adding a foreign key scans the whole table while both tables are locked against writes.",
        "op.add_foreign_key_validated(...): added as NOT VALID, then validated, which blocks"
        " nobody.",
        tried=True,
    ),
    "disallowed-unique-constraint": Rule(
        "A unique constraint builds its index while the table is locked against reads and writes.",
        "op.add_unique_concurrently(...): the index is built concurrently and then used.",
        tried=True,
    ),
    "adding-serial-primary-key-field": Rule(
        "A primary key builds its index while the table is locked against reads and writes.",
        "a unique index by op.create_index_concurrently(...), then ADD CONSTRAINT ... PRIMARY KEY"
        " USING INDEX.",
    ),
    "adding-not-nullable-field": Rule(
        "SET NOT NULL scans the whole table while it is locked against reads and writes.",
        "op.set_not_null(...), which validates a check first, so that nothing has to be scanned.",
        tried=True,
    ),
    "adding-required-field": Rule(
        "A NOT NULL column without a default fails on a table that has rows, and code that still"
        " runs does not fill it.",
        "add it as nullable, op.backfill(...), then op.set_not_null(...).",
    ),
    "adding-field-with-default": Rule(
        "A default that is computed for each row rewrites the table while it is locked against"
        " reads and writes.",
        "add the column without it, set the default, op.backfill(...) the rows that are there.",
        tried=True,
    ),
    "changing-column-type": Rule(
        "Another type usually rewrites the table while it is locked against reads and writes, and"
        " code that still runs may not know it.",
        "a new column of that type, op.backfill(...), then let the code change over.",
        tried=True,
    ),
    "ban-alter-domain-with-add-constraint": Rule(
        "A constraint on a domain scans every table that uses it, while they are locked.",
        "ALTER DOMAIN ... ADD CONSTRAINT ... NOT VALID, and VALIDATE CONSTRAINT in a revision of"
        " its own.",
        tried=True,
    ),
    "prefer-repack": Rule(
        "VACUUM FULL and CLUSTER rewrite the table while it is locked against reads and writes.",
        "pg_repack.",
    ),
    "ban-truncate-cascade": Rule(
        "TRUNCATE ... CASCADE empties every table that refers to this one, whatever is in it.",
        "name the tables, or delete in batches.",
        lock=False,
    ),
    "renaming-column": Rule(
        f"After a rename {REMOVED}.",
        "a new column that both versions of the code fill, op.backfill(...), then drop the old"
        " one in a contract revision.",
        lock=False,
    ),
    "renaming-table": Rule(
        f"After a rename {REMOVED}.",
        "a new table, or a view with the old name for as long as old code runs.",
        lock=False,
    ),
    "ban-drop-column": Rule(
        f"When a column is dropped, {REMOVED}.",
        'first deploy code without it, then drop it in a revision with phase = "contract".',
        lock=False,
    ),
    "ban-drop-table": Rule(
        f"When a table is dropped, {REMOVED}.",
        'first deploy code without it, then drop it in a revision with phase = "contract".',
        lock=False,
    ),
    "ban-drop-database": Rule("It drops a database.", "leave that to people.", lock=False),
    "syntax-error": Rule("squawk cannot read this as PostgreSQL's SQL.", "mend it.", tried=True),
}
OWN = {
    "lock-table": Rule(
        "LOCK TABLE keeps others out until the end of the transaction.",
        "leave it out, or take an advisory lock that your code knows.",
    ),
    "truncate-table": Rule(
        "TRUNCATE locks the table against reads and writes, and its rows are gone.",
        "DELETE in batches, as op.backfill(...) goes.",
        lock=False,
    ),
    "bulk-write": Rule(
        "A write to the whole table in one transaction keeps the locks of all rows until it ends,"
        " and leaves as many dead rows behind.",
        "op.backfill(...), which goes in batches and can be resumed.",
    ),
    "renaming-enum-value": Rule(
        f"After a rename {REMOVED}.",
        "a new value beside it, op.backfill(...), then let the code change over.",
        lock=False,
    ),
    "contract-in-expand": Rule(
        "An expand or online revision runs before the new code, and this step breaks the old code.",
        'move it to a revision of its own with phase = "contract".',
        lock=False,
    ),
    "not-linted": Rule(
        "The revision cannot be rendered as SQL without a database, so its statements are not"
        " known here.",
        "let the trace look at it (lint without --no-trace), or write it so that --sql works.",
        lock=False,
        tried=True,
    ),
}
TRACE = {
    "blocks-while-scanning": Rule(
        "The whole table is scanned while it is locked: with many rows, others wait that long.",
        "the operations of migrator.operations scan outside the lock; or put the scan into a"
        " revision of its own.",
    ),
    "blocks-while-rewriting": Rule(
        "The table or its index is written anew while it is locked: with many rows, others wait"
        " that long.",
        "a new column or index beside the old one, op.backfill(...), then change over.",
    ),
    "held-while-working": Rule(
        "A lock from an earlier statement of the transaction is held while a whole table is read"
        " or written.",
        "put the slow statement into a revision of its own.",
    ),
    "fails": Rule("The revision fails when it is tried.", ""),
    "not-tried": Rule(
        "The trace stopped before this, so nobody knows what it would lock or break.",
        "mend what stopped it, or put that into a revision behind this one.",
        lock=False,
    ),
}
ACKNOWLEDGEMENTS = {
    "unknown-acknowledgement": Rule(
        "There is no such rule to allow, so this comment allows nothing.",
        "# migrator: allow RULE because REASON, with a rule that lint has named.",
        lock=False,
    ),
    "unused-acknowledgement": Rule(
        "Nothing in this revision breaks this rule, so the comment is wrong or out of date.",
        "take it out.",
        lock=False,
    ),
    "acknowledgement-without-reason": Rule(
        "An exception is only as good as its reason.",
        "# migrator: allow RULE because REASON.",
        lock=False,
    ),
}
ALL = SQUAWK | OWN | TRACE | ACKNOWLEDGEMENTS
# What may be accepted by a comment in the revision.
ALLOWED = SQUAWK | OWN | TRACE
# Here the same statement is often safe, and its SQL does not tell: a deploy, which tries nothing,
# names it only.
UNDECIDED = {"adding-not-nullable-field", "changing-column-type", "not-linted", "syntax-error"}
