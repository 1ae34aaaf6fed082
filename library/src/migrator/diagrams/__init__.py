"""Pictures of a schema.

entities       tables and references, from a catalog
mermaid        an entity-relationship diagram of tables
schema_page    the page docs/schema.md
"""
