"""Names that have moved, for files of older projects that an update never touches.

`app/settings.py` and `app/database.py` of a project that was made before 2026.12 import
`migrator.settings`, `migrator.urls` and `migrator.waiting`. This folder is part of the package's
search path (see migrator/__init__.py), so that a module here is found under its old name. Type
checkers do not know that: the stubs beside the package (migrator-stubs) tell them.

Nothing in the library imports from here.
"""
