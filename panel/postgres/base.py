"""The database backend named by the settings' ENGINE."""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's backend, which also knows what its connection has prepared and can tell cheaply whether it lives.

    Django asks a kept connection `SELECT 1` before each request. Looking at its socket tells as much, for nothing: a
    server that went away has closed its side (and said why), so an idle connection with something to read is over. A
    notice in between looks the same and costs a reconnect.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as upstream
        super().__init__(*args, **kwargs)
        self.prepared: set[str] = set()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:  # noqa: ANN401 - as upstream
        """Connect; a new session has nothing prepared."""
        self.prepared = set()
        return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """Whether the idle connection's socket is quiet and open."""
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLERR | select.POLLHUP)
        return not poll.poll(0)
