from alembic_utils.pg_function import PGFunction

TOTAL = PGFunction(
    schema="public",
    signature="total(customer integer)",
    definition="""
    RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT sum(amount) FROM orders WHERE customer_id = customer $$
    """,
)
