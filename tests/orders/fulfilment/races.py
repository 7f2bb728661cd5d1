"""Contenders that start at once, each on a thread and a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def race(*contenders: Callable[[], Any]) -> list[Any]:
    """Run the contenders at once and return what they returned; what one raised is raised."""
    barrier = threading.Barrier(len(contenders))

    def run_one(contender: Callable[[], Any]) -> Any:
        try:
            barrier.wait(60)
            return contender()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(contenders)) as pool:
        return [future.result() for future in [pool.submit(run_one, contender) for contender in contenders]]
