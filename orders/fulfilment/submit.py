"""Handing orders to their provider: claim them, call, record. An order is sent once, or a person is told.

A claim moves the order from pending to processing before anything is called, under the order's lock; a customer's
cancel takes the same lock, so the two can't both win.
"""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from orders import attention, lifecycle
from orders.fulfilment import client, connecting, outcomes
from orders.fulfilment.client import NotSent, OutcomeUnknown, RefusedByProvider
from orders.fulfilment.outcomes import Outcome
from orders.lifecycle import Move
from orders.models import (
    AttentionKind,
    Initiator,
    Order,
    OrderStatus,
    Provider,
    ServiceType,
    Submission,
    SubmissionState,
)
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound

log = structlog.get_logger()


class NotWaiting(Conflict):
    """Only a pending order of a provider can be submitted."""

    code = "not_waiting"


def claim(*, limit: int, at: datetime) -> list[int]:
    """Claim up to `limit` due orders and return the numbers of their submissions, oldest due first.

    In a number of statements that does not grow. Orders that somebody else has locked are left to him; orders of
    inactive and held providers wait. Of a provider whose hold has run out, one order tries it and the others wait until
    it took one.
    """
    with transaction.atomic(durable=True):
        due = list(
            Order.objects.filter(
                Q(provider__held_until__isnull=True) | Q(pk__in=_trials(at)),
                provider__is_active=True,
                **_due(at),
            )
            .order_by("submit_due_at", "pk")
            .select_for_update(of=("self",), skip_locked=True, no_key=True)
            .only("pk", "provider_id")[:limit]
        )
        if not due:
            return []
        moves = [Move(order.pk, OrderStatus.PROCESSING) for order in due]
        lifecycle.require_moved(lifecycle.transition(moves, initiator=Initiator.SYSTEM, at=at))
        submissions = Submission.objects.bulk_create(
            [
                Submission(order_id=order.pk, provider_id=order.provider_id, claimed_at=at)
                for order in due
                if order.provider_id is not None
            ]
        )
    return [submission.pk for submission in submissions]


def _due(at: datetime) -> dict[str, object]:
    return {"status": OrderStatus.PENDING, "submit_due_at__lte": at, "provider_order_id": ""}


def _trials(at: datetime) -> QuerySet[Provider, int]:
    """Select the order that tries each provider whose hold has run out; none while an earlier one still does."""
    oldest = Order.objects.filter(provider=OuterRef("pk"), **_due(at)).order_by("submit_due_at", "pk")
    trying = Submission.objects.filter(
        provider=OuterRef("pk"), state__in=[SubmissionState.CLAIMED, SubmissionState.CALLING]
    )
    lapsed = Provider.objects.filter(~Exists(trying), held_until__lte=at, is_active=True)
    return lapsed.values_list(Subquery(oldest.values("pk")[:1]), flat=True)


def waiting() -> int:
    """Return how many submissions are claimed and not called yet."""
    return Submission.objects.filter(state=SubmissionState.CLAIMED).count()


def send(*, submission_id: int, at: datetime) -> SubmissionState | None:
    """Call the provider for one claimed submission and record what came of it; return the state it is in then.

    None when it isn't waiting to be sent (any more): tasks may run twice, and the janitor may have been first.
    """
    submission = Submission.objects.select_related("provider", "order").filter(pk=submission_id).first()
    if submission is None or submission.state != SubmissionState.CLAIMED:
        return None
    provider = submission.provider
    if not provider.is_active or (provider.held_until is not None and provider.held_until > at):
        return outcomes.withhold(submission_id=submission_id, at=at)
    if not _begin(submission_id, at):
        return None
    return outcomes.record(submission_id=submission_id, outcome=call(submission), at=at)


def _begin(submission_id: int, at: datetime) -> bool:
    """Write down that the call may have been made, before it is. False when somebody else did."""
    claimed = Submission.objects.filter(pk=submission_id, state=SubmissionState.CLAIMED)
    return claimed.update(state=SubmissionState.CALLING, called_at=at) == 1


def call(submission: Submission) -> Outcome:
    """Make the call of a submission (with its order and provider loaded), under its own request_id."""
    order = submission.order
    try:
        return client.add(
            connecting.to(submission.provider),
            order.provider_service_id,
            order.link,
            None if order.service_type == ServiceType.PACKAGE else order.quantity,
            str(submission.request_id),
        )
    except (NotSent, RefusedByProvider, OutcomeUnknown) as outcome:
        log.warning(
            "submission_failed",
            submission=submission.pk,
            order=order.pk,
            provider=submission.provider_id,
            outcome=outcome.code,
            detail=outcome.message,
        )
        return outcome


def send_again(*, order_id: int, staff: User, at: datetime) -> None:
    """Let an order that the provider refused be submitted once more, as staff decided.

    Raises Forbidden, NotFound, NotWaiting.
    """
    if not staff.is_staff:
        raise Forbidden("Orders are handled by staff.")
    with transaction.atomic(durable=True):
        order = Order.objects.locked().filter(pk=order_id).first()
        if order is None:
            raise NotFound("There is no such order.")
        if order.customer_id == staff.pk:
            raise Forbidden("Nobody handles an own order.")
        if order.status != OrderStatus.PENDING or order.provider_id is None:
            message = f"Order {order.pk} is not waiting to be sent to a provider."
            raise NotWaiting(message)
        order.submit_due_at = at
        order.save(update_fields=["submit_due_at"])
        kind = AttentionKind.SUBMISSION_REFUSED
        attention.settle(order_id=order.pk, kind=kind, staff=staff, resolution="Sent again", at=at)
