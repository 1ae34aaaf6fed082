"""The tables, one module each; packages for what belongs together.

Nothing has to be listed here: migrations find every module below this package.
"""
