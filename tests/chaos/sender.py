"""A sender whose clock stands at an instant: run as a program, it runs the scheduled task once, as a worker would.

    python -m tests.chaos.sender <instant>

Nothing in it dies by itself: the test holds what it waits for (a lock, an answer) and kills it there.
"""

import sys
from datetime import datetime

import django
import time_machine


def main(at: datetime) -> None:
    from billing import tasks  # noqa: PLC0415 - after django.setup()

    with time_machine.travel(at, tick=True):
        tasks.send_due_withdrawals()


if __name__ == "__main__":
    django.setup()
    main(datetime.fromisoformat(sys.argv[1]))
