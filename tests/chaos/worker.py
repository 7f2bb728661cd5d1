"""A worker that dies: run as a program, it takes a submission up to a point and kills itself there, as SIGKILL would.

    python -m tests.chaos.worker <point> <instant>

It calls the use cases that the tasks call, one by one; the product knows nothing of it.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import django

POINTS = ("inside claim", "claimed", "calling", "called", "inside record", "recorded")
NEVER = "never"
MIDDLE_OF_CLAIM = 5  # the order is moved; what would insert its submission is not run
MIDDLE_OF_RECORD = 6  # the order is written; what would write its submission is not run


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def dying_at(statement: int | None) -> Iterator[None]:
    """Die instead of carrying out the SQL statement of this number; None: live."""
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    number = 0

    def carry_out(execute: Callable[..., object], *arguments: object) -> object:
        nonlocal number
        number += 1
        if number == statement:
            die()
        return execute(*arguments)

    connection.ensure_connection()  # opening one runs statements of its own
    with connection.execute_wrapper(carry_out):
        yield


def main(point: str, at: datetime) -> None:
    from orders.fulfilment import outcomes, submit  # noqa: PLC0415 - after django.setup()
    from orders.models import Submission  # noqa: PLC0415

    with dying_at(MIDDLE_OF_CLAIM if point == "inside claim" else None):
        [submission_id] = submit.claim(limit=1, at=at)
    if point == "claimed":
        die()
    assert submit._begin(submission_id, at)
    if point == "calling":
        die()
    submission = Submission.objects.select_related("order", "provider").get(pk=submission_id)
    outcome = submit.call(submission)
    if point == "called":
        die()
    with dying_at(MIDDLE_OF_RECORD if point == "inside record" else None):
        outcomes.record(submission_id=submission_id, outcome=outcome, at=at)
    if point == "recorded":
        die()


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], datetime.fromisoformat(sys.argv[2]))
