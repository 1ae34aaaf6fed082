"""The commands of `python -m migrator`: their arguments and what they print."""
