__version__: str
ORDER: tuple[str, ...]
