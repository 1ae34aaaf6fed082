"""Pictures of a schema and of a history.

entities        tables and references, from a catalog
mermaid         an entity-relationship diagram of tables
changed_tables  the tables that differ between two schemas
schema_page     the page docs/schema.md
lanes           where revisions are drawn
table_changes   what a revision changes, as tables before and after
history_page    the page history.html
"""
