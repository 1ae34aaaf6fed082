"""What a session sets when it is connected, because an older server does not know it.

In the start packet, a server would refuse the connection for a name that it does not know.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from migrator.config.settings import Settings
from migrator.postgres import pooler

# By name: the first version that has it, and the value. Timeouts of the account would end the
# session that has the deploy lock, a backup, or an index that is built for hours.
ENDS_SESSIONS = {"idle_session_timeout": (14, "0"), "transaction_timeout": (17, "0")}
# How the server writes what it is asked, as the account or the database may have set it.
STYLE = "SELECT pg_backend_pid(), current_setting('quote_all_identifiers')::bool"

WORD = re.compile(r"(?:\\.|[^\\\s])+")


def readable(raw: Any, _record: Any) -> None:
    """Let a new connection of psycopg write times as it can read them, and names as catalogs do.

    Dates keep their order, in which revisions may write them. Nothing is set in a session of a
    pooler, which is not ours alone.
    """
    raw.autocommit = True
    wrong = {}
    if not (raw.info.parameter_status("DateStyle") or "ISO").startswith("ISO"):
        wrong["DateStyle"] = (9, "ISO")
    pid, quotes = raw.execute(STYLE).fetchone()
    if quotes:
        wrong["quote_all_identifiers"] = (9, "off")
    if wrong and pid == raw.info.backend_pid:
        apply(raw, wrong)
    raw.autocommit = False


def setting(limits: Settings) -> Callable[[Any, Any], None]:
    """Return the listener for new connections of psycopg."""
    wanted = dict(ENDS_SESSIONS)
    # Keepalives rest while the last answer has not arrived: the limit of the system is 15 minutes.
    wanted["tcp_user_timeout"] = (12, "60s")
    if limits.production:
        # Rows that a policy hides from the account are an error, not left out without a word.
        wanted["row_security"] = (9, "off")
    if interval := limits.client_connection_check_interval:
        # Else the statement of a deploy that was killed stays in the queue, and all behind it.
        wanted["client_connection_check_interval"] = (14, f"{round(interval * 1000)}ms")

    def connected(raw: Any, _record: Any) -> None:
        raw.autocommit = True
        if limits.allow_pooler or not pooler.is_between(raw):
            apply(raw, wanted)
        raw.autocommit = False

    return connected


def options(given: Sequence[str]) -> Callable[[Any, Any], None]:
    """Return the listener that sets what the start packet would have, without the packet.

    Args:
        given: as the packet has it: "-c name=value", with a backslash before what a value quotes.
    """
    words = [re.sub(r"\\(.)", r"\1", word) for word in WORD.findall(" ".join(given))]
    pairs = [word.removeprefix("-c").removeprefix("--").split("=", 1) for word in words]

    def connected(raw: Any, _record: Any) -> None:
        raw.autocommit = True
        for pair in pairs:
            if len(pair) > 1:
                raw.execute("SELECT set_config(%s, %s, false)", pair)
        raw.autocommit = False

    return connected


def apply(raw: Any, wanted: dict[str, tuple[int, str]] = ENDS_SESSIONS) -> None:
    """Set what the server of a connection in autocommit mode knows."""
    from psycopg import Error

    version = raw.info.server_version // 10000
    pairs = [(name, value) for name, (since, value) in wanted.items() if version >= since]
    setting = "set_config({}, {}, false)"
    each = [setting.format(f"'{name}'", f"'{value}'") for name, value in pairs]
    try:
        raw.execute(f"SELECT {', '.join(each) or '1'}")
    except Error:  # a system that cannot tell whether a client is there refuses to look
        for one in each:
            try:
                raw.execute(f"SELECT {one}")
            except Error:
                if raw.closed:
                    raise
