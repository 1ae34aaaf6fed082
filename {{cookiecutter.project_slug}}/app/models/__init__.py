"""The models: one module per table, and packages for related tables.

Modules need not be imported here: migrations discover every module below this package.
"""
