"""The tabs of the refund queue: what waits, by when it is due, unless something else is asked for."""

from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from billing.admin.showing import Rows, ShowFilter, every
from panel.accounts.admin.asking import staff_of
from refunds.models import RefundRequest


def _waiting(rows: Rows) -> Rows:
    return rows.filter(RefundRequest.waiting())


def _due_soon(rows: Rows) -> Rows:
    return rows.filter(RefundRequest.due_soon(timezone.now()))


def _overdue(rows: Rows) -> Rows:
    return rows.filter(RefundRequest.overdue(timezone.now()))


def _expedited(rows: Rows) -> Rows:
    return _waiting(rows).filter(expedited_at__isnull=False)


def _unread(rows: Rows) -> Rows:
    return _waiting(rows).filter(unread_since__isnull=False)


def _to_confirm(rows: Rows) -> Rows:
    return rows.filter(RefundRequest.to_confirm())


def _answered(rows: Rows) -> Rows:
    return rows.exclude(RefundRequest.waiting())


class QueueFilter(ShowFilter):
    """Every list of open requests is in the order in which they are due, and read from the index `request_due`."""

    first = "Waiting"
    narrow_first = _waiting
    others = {
        "due_soon": ("Due soon", _due_soon),
        "overdue": ("Overdue", _overdue),
        "mine": ("Mine", _waiting),
        "expedited": ("Expedited", _expedited),
        "unread": ("Customer wrote", _unread),
        "to_confirm": ("To confirm", _to_confirm),
        "answered": ("Answered", _answered),
        "all": ("All", every),
    }

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Narrow the list; which ones are mine is known here only."""
        found = super().queryset(request, queryset)
        return found.filter(assignee=staff_of(request)) if self.value() == "mine" else found


OPEN_TABS: Final = {None, "due_soon", "overdue", "mine", "expedited", "unread", "to_confirm"}
