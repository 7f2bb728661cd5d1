"""What customers and staff say to each other about a request, and what a customer may do with his own."""

from datetime import datetime

from django.db import transaction

from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Refused
from refunds.desk import access, closing, letters, proposals
from refunds.desk.closing import Answer
from refunds.models import RefundRequest, RefundRequestEvent, RequestEventKind, RequestState
from refunds.models.request import LONGEST_NOTE, LONGEST_TEXT

MOST_MESSAGES = 50


class TooMuchSaid(Refused):
    """There are so many messages that another one helps nobody."""

    code = "too_many_messages"


class ExpeditedBefore(Refused):
    """It was asked to be expedited once."""

    code = "expedited_before"


class CantWithdraw(Refused):
    """The order's own refund hangs on this answer."""

    code = "cant_withdraw"


def message(*, request_id: int, customer: User, text: str, at: datetime) -> None:
    """Add what the customer has to say; it answers an open question. The same words again right away say nothing more.

    Raises access' errors, TooMuchSaid.
    """
    words = texts.text(text, field="text", longest=LONGEST_TEXT)
    with transaction.atomic(durable=True):
        _order, request = access.locked_for_customer(request_id, customer)
        last = RefundRequestEvent.objects.filter(request=request).last()
        if last is not None and (last.kind, last.actor_id, last.text) == (RequestEventKind.MESSAGE, customer.pk, words):
            return  # the same form twice
        said = RefundRequestEvent.objects.filter(request=request, kind=RequestEventKind.MESSAGE).count()
        if said >= MOST_MESSAGES:
            raise TooMuchSaid("There are very many messages here already; we will answer these first.", field="text")
        closing.log(request, RequestEventKind.MESSAGE, by=customer, text=words, at=at)
        request.asked_at, request.unread_since = None, request.unread_since or at
        request.save(update_fields=["asked_at", "unread_since"])


def expedite(*, request_id: int, customer: User, reason: str, at: datetime) -> None:
    """Ask for an answer sooner than promised, once, with the reason. Raises access' errors, ExpeditedBefore."""
    words = texts.text(reason, field="reason", longest=LONGEST_NOTE, missing="Say why it is urgent.")
    with transaction.atomic(durable=True):
        _order, request = access.locked_for_customer(request_id, customer)
        if request.expedited_at is not None:
            raise ExpeditedBefore("You have asked for this already; staff see it.", field="reason")
        request.expedited_at, request.expedite_reason = at, words
        request.save(update_fields=["expedited_at", "expedite_reason"])
        closing.log(request, RequestEventKind.EXPEDITED, by=customer, text=words, at=at)


def withdraw(*, request_id: int, customer: User, at: datetime) -> None:
    """Take a request back. Raises access' errors; CantWithdraw while the order's own refund waits for its answer."""
    with transaction.atomic(durable=True):
        order, request = access.locked_for_customer(request_id, customer)
        if proposals.waiting_decision(order) is not None:
            raise CantWithdraw("The refund of this order itself waits for this review, so it can't be taken back.")
        request.save(update_fields=request.forget_recommendation())
        answer = Answer(state=RequestState.WITHDRAWN, by=customer, text="You took this request back.")
        closing.close(request, answer, at=at)


def ask(*, request_id: int, staff: User, question: str, at: datetime) -> None:
    """Ask the customer something, in a letter too; what he wrote counts as read. Raises access' errors."""
    words = texts.text(question, field="question", missing="Write the question.", longest=LONGEST_TEXT)
    with transaction.atomic(durable=True):
        _order, request = access.locked_for_staff(request_id, staff)
        number = closing.log(request, RequestEventKind.QUESTION, by=staff, text=words, at=at)
        request.asked_at, request.unread_since = at, None
        request.save(update_fields=["asked_at", "unread_since"])
        letters.asked(request, request.customer, question=words, number=number, at=at)


def note(*, request_id: int, staff: User, text: str, at: datetime) -> None:
    """Write down something for colleagues; what the customer wrote counts as read. Raises access' errors."""
    words = texts.text(text, field="text", missing="Write the note.", longest=LONGEST_TEXT)
    with transaction.atomic(durable=True):
        _order, request = access.locked_for_staff(request_id, staff)
        closing.log(request, RequestEventKind.NOTE, by=staff, text=words, at=at)
        request.unread_since = None
        request.save(update_fields=["unread_since"])


def claim(*, request_id: int, staff: User, at: datetime) -> RefundRequest:
    """Take a request over, from a colleague too: the log says so. Raises access' errors."""
    with transaction.atomic(durable=True):
        _order, request = access.locked_for_staff(request_id, staff)
        if request.assignee_id != staff.pk:
            request.assignee = staff
            request.save(update_fields=["assignee"])
            closing.log(request, RequestEventKind.CLAIMED, by=staff, at=at)
        return request


def release(*, request_id: int, staff: User, at: datetime) -> None:
    """Give a request back to the queue. Raises access' errors."""
    with transaction.atomic(durable=True):
        _order, request = access.locked_for_staff(request_id, staff)
        if request.assignee_id is not None:
            request.assignee = None
            request.save(update_fields=["assignee"])
            closing.log(request, RequestEventKind.RELEASED, by=staff, at=at)
