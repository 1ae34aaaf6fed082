"""A primary key whose index is built while the table is locked."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="adding-serial-primary-key-field",
    reason="A primary key builds its index while the table is locked against reads and writes.",
    safe=(
        "a unique index by op.create_index_concurrently(...), then ADD CONSTRAINT ... PRIMARY"
        " KEY USING INDEX."
    ),
    example=Example(
        unsafe='op.execute("ALTER TABLE events_1 ADD PRIMARY KEY (id)")',
        safe="""
op.create_index_concurrently("pk", "events_1", ["id"], unique=True)
op.execute("ALTER TABLE events_1 ADD CONSTRAINT pk PRIMARY KEY USING INDEX pk")
""",
    ),
    action=lambda candidate: (
        candidate.action.adds("primary key") and not candidate.action.has("using index")
    ),
    locks=True,
    covers=frozenset({"constraint-missing-not-valid"}),
)
