"""A member of staff whose process dies: run as a program, it approves a request and kills itself on the way.

    python -m tests.chaos.approver <request> <staff> <remains or -> <instant> <part of an SQL statement or ->

It dies instead of carrying out the first statement that writes and holds that part, as SIGKILL would; the product knows
nothing of it. With `-` it dies once all is committed.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime

import django

WRITES = ("INSERT", "UPDATE", "EXECUTE")  # the ledger posts by a prepared statement
# Of an approval, in the order in which it writes: whatever it dies at, nothing of it may be left.
POINTS = ("refunds_decision", "ledger_post", "refunds_refundrequest", "refunds_refundrequestevent", "_email")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(part: str) -> Callable[..., object]:
    def carry_out(execute: Callable[..., object], sql: str, *arguments: object) -> object:
        if part in sql and sql.lstrip().startswith(WRITES):
            die()
        return execute(sql, *arguments)

    return carry_out


def main(request_id: int, staff_id: int, remains: int | None, at: datetime, part: str) -> None:
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    from panel.accounts.models import User  # noqa: PLC0415
    from refunds.desk import deciding  # noqa: PLC0415
    from refunds.desk.plans import Choice  # noqa: PLC0415

    staff = User.objects.get(pk=staff_id)
    with connection.execute_wrapper(dying_at(part)):
        deciding.approve(
            request_id=request_id, staff=staff, choice=Choice(remains=remains), note="Fine", seen=None, at=at
        )
    die()


if __name__ == "__main__":
    django.setup()
    number, staff, remains, at, part = sys.argv[1:]
    main(
        int(number),
        int(staff),
        None if remains == "-" else int(remains),
        datetime.fromisoformat(at),
        "nowhere" if part == "-" else part,
    )
