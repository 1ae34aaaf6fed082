"""What autogenerate proposes on SQLite: from the catalogs, tried on a copy of the schema.

comparator  finds the tables that differ, and proposes operations for each
proposals   the operations that lead from one table to another, plain ones first
replica     a copy of the schema in memory, where proposals are tried
change      the operations for one table, with those that revert them
"""
