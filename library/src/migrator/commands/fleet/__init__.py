"""`fleet ACTION`: commands for many tenants. Each action is a module here, like a command."""

from argparse import ArgumentParser, Namespace
from importlib import import_module

from migrator.config.context import Context

ACTIONS = {
    "plan": "show which tenants a deploy would change; exit 3 if any",
    "deploy": "apply what is pending to all tenants, canaries first",
    "status": "show where the tenants are",
    "verify": "compare the schema of each tenant; exit 1 if one differs",
    "create": "make a tenant, at the newest revision",
    "drop": "back up a tenant, and remove it",
}


def arguments(parser: ArgumentParser) -> None:
    """Add the actions with their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, does in ACTIONS.items():
        action = actions.add_parser(name, help=does, description=f"{does.capitalize()}.")
        import_module(f"{__name__}.{name}").arguments(action)
        action.add_argument(
            "--allow-pooler",
            action="store_true",
            default=None,
            help="accept a pooler, which has to be in session mode",
        )


def run(context: Context, options: Namespace) -> None:
    """Run the action; its module says what may be raised."""
    import_module(f"{__name__}.{options.action}").run(context, options)
