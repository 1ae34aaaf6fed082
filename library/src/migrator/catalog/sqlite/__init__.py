"""SQLite's catalog: what its pragmas tell, and what only the text of CREATE TABLE does."""
