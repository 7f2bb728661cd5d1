"""A worker that passes one refill on, as the task does: `python -m tests.chaos.refill_sender <refill> <instant>`.

Nothing in it dies by itself: the test holds what it waits for (a lock, an answer) and kills it there.
"""

import sys
from datetime import datetime

import django


def main(refill_id: int, at: datetime) -> None:
    from orders.fulfilment import refilling  # noqa: PLC0415 - after django.setup()

    refilling.send(refill_id=refill_id, at=at)


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
