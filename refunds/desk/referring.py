"""Asking the provider about a request: through its API where that can be done, by hand where not."""

from datetime import datetime

from django.db import transaction

from orders import canceling
from orders.models import Cause
from panel.accounts.models import User
from panel.kernel import texts
from refunds.desk import access, closing
from refunds.models import RefundRequest, RequestEventKind
from refunds.models.request import LONGEST_NOTE


def refer(*, request_id: int, staff: User, note: str, at: datetime) -> RefundRequest:
    """Ask the provider to cancel a running order that it has, and note it on the request, which stays open.

    For any other order, or one whose cancel is on its way, it only notes what staff asked the provider by hand. The
    order moves, and is settled by its policy, when the provider reports it.

    Raises Forbidden, access' errors.
    """
    words = texts.text(note, field="note", longest=LONGEST_NOTE, missing="Say what the provider is asked.")
    with transaction.atomic(durable=True):
        order, request = access.locked_for_staff(request_id, staff)
        if canceling.takes_requests(order) and not canceling.is_asked(order):
            canceling.ask_provider(order, cause=Cause(request.cause), staff=staff, at=at)
        request.referred_at = at
        request.save(update_fields=["referred_at"])
        closing.log(request, RequestEventKind.REFERRED, by=staff, text=words, at=at)
        return request
