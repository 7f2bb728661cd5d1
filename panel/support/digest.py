"""The morning's letter to staff: what is late, what is due today, and what is most urgent.

It is written once a day to each active member of staff who works at the refund desk; its key says the day and the
person, so that a second run of the task adds nothing. Who may not see tickets or withdrawals reads nothing of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.urls import reverse

from billing.models import Withdrawal
from panel.accounts import holders
from panel.notifications import outbox, staff_letters
from panel.notifications.outbox import NewEmail
from panel.support.access import PERMISSION as MAY_ANSWER
from panel.support.models import Ticket
from refunds.desk.access import MAY_WORK
from refunds.desk.clock import span
from refunds.models import RefundRequest
from refunds.models.request import DUE_SOON

MOST_URGENT: Final = 10
_MAY_SEE_WITHDRAWALS: Final = "billing.view_withdrawal"


@dataclass(frozen=True, slots=True)
class _Urgent:
    """One row that waits, by when it is due."""

    due_at: datetime
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """Everything of one kind that waits: how much, and its most urgent rows.

    `permission` is needed to read of it; an empty one is had by everybody who gets a digest. `lines` are sentences.
    """

    permission: str
    overdue: int
    due_soon: int
    lines: Sequence[str]
    urgent: Sequence[_Urgent]


def put(*, at: datetime) -> int:
    """Write the digest of the day of `at` in the panel's zone; return to how many people. Nothing to say, no letter."""
    kinds = [_requests(at), _withdrawals(at), _tickets(at)]
    day = at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    letters: list[NewEmail] = []
    for person in holders.of(MAY_WORK).order_by("pk"):
        seen = [kind for kind in kinds if kind.lines and (not kind.permission or person.has_perm(kind.permission))]
        if not seen:
            continue
        urgent = sorted((row for kind in seen for row in kind.urgent), key=lambda row: row.due_at)[:MOST_URGENT]
        letters.append(
            staff_letters.staff_digest(
                staff=person,
                day=day,
                overdue=sum(kind.overdue for kind in seen),
                due_soon=sum(kind.due_soon for kind in seen),
                lines=[line for kind in seen for line in kind.lines],
                urgent=[(f"{row.words}, {_countdown(row.due_at, at)}", row.url) for row in urgent],
                url=reverse("admin:refunds_refundrequest_changelist"),
            )
        )
    with transaction.atomic(durable=True):
        outbox.put(letters, at=at)
    return len(letters)


def _requests(at: datetime) -> _Kind:
    waiting = RefundRequest.objects.filter(RefundRequest.waiting())
    counted = waiting.aggregate(
        number=Count("pk"),
        overdue=Count("pk", filter=RefundRequest.overdue(at)),
        due_soon=Count("pk", filter=RefundRequest.due_soon(at)),
        to_confirm=Count("pk", filter=RefundRequest.to_confirm()),
    )
    lines = _waiting_line(counted, "refund request")
    if counted["to_confirm"]:
        lines.append(
            f"{_number(counted['to_confirm'], 'refund waits', 'refunds wait')} for a second person to confirm."
        )
    urgent = [
        _Urgent(
            request.due_at,
            f"Refund request {request.pk} for order {request.order_id}",
            reverse("admin:refunds_refundrequest_change", args=[request.pk]),
        )
        for request in waiting.order_by("due_at", "pk")[:MOST_URGENT]
    ]
    return _Kind("", counted["overdue"], counted["due_soon"], lines, urgent)


def _withdrawals(at: datetime) -> _Kind:
    overdue = Withdrawal.objects.filter(Withdrawal.overdue(at)).count()
    lines = [f"{_number(overdue, 'withdrawal is', 'withdrawals are')} overdue."] if overdue else []
    return _Kind(_MAY_SEE_WITHDRAWALS, overdue, 0, lines, [])


def _tickets(at: datetime) -> _Kind:
    waiting = Ticket.objects.filter(Ticket.waiting())
    counted = waiting.aggregate(
        number=Count("pk"),
        overdue=Count("pk", filter=Ticket.overdue(at)),
        due_soon=Count("pk", filter=Ticket.due_soon(at)),
    )
    urgent = [
        _Urgent(ticket.due_at, f"Ticket {ticket.pk}", reverse("admin:support_ticket_change", args=[ticket.pk]))
        for ticket in waiting.order_by("due_at", "pk")[:MOST_URGENT]
        if ticket.due_at is not None
    ]
    lines = _waiting_line(counted, "ticket")
    return _Kind(MAY_ANSWER, counted["overdue"], counted["due_soon"], lines, urgent)


def _waiting_line(counted: dict[str, int], noun: str) -> list[str]:
    """Say how many wait, and how many of them are late or soon will be; nothing when none waits."""
    if not counted["number"]:
        return []
    hours = int(DUE_SOON.total_seconds()) // 3600
    late = [f"{counted['overdue']:,} overdue"] if counted["overdue"] else []
    soon = [f"{counted['due_soon']:,} due within {hours} hours"] if counted["due_soon"] else []
    told = f": {', '.join(late + soon)}" if late + soon else ""
    return [f"{_number(counted['number'], f'{noun} waits', f'{noun}s wait')} for an answer{told}."]


def _number(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _countdown(due_at: datetime, at: datetime) -> str:
    return f"overdue by {span(at - due_at)}" if due_at <= at else f"due in {span(due_at - at)}"
