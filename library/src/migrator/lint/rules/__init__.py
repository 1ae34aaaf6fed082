"""Every rule, each in a file of its own, which is found here because it is there."""

import importlib
import pkgutil

from migrator.lint.rule import Rule


def _load() -> dict[str, Rule]:
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{module}").RULE for module in modules]
    return {rule.name: rule for rule in found}


ALL: dict[str, Rule] = _load()
