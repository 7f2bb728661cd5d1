"""Run functions at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

PATIENCE = 60.0


def race(contenders: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start all contenders together; return what each returned or the exception it ended with, in their order."""
    results: list[Any] = [None] * len(contenders)
    start = threading.Barrier(len(contenders))

    def run(place: int, contender: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait(PATIENCE)
            results[place] = contender()
        except Exception as error:  # noqa: BLE001 - handed to the test, which knows which are right
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a contender is stuck"
    return results


def of(kind: type, results: Sequence[Any]) -> list[Any]:
    """Return the results that are of this type."""
    return [result for result in results if isinstance(result, kind)]
