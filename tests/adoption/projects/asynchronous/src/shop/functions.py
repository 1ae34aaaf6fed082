from alembic_utils.pg_function import PGFunction

WITH_TAX = PGFunction(
    schema="public",
    signature="with_tax(amount bigint)",
    definition="""
    RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$ SELECT amount * 119 / 100 $$
    """,
)
