"""What became of a submission: the third step, the same for the task, the janitor and staff.

Every function locks the order, then the submission, re-reads and only then decides, so that it does not matter who
learns an outcome first, or how often.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from orders import attention, lifecycle, ports
from orders.attention import Concern
from orders.fulfilment.client import Accepted, NotSent, OutcomeUnknown, Reason, RefusedByProvider
from orders.lifecycle import Move
from orders.models import (
    AttentionKind,
    CancelRequest,
    CancelRequestState,
    Cause,
    Initiator,
    Order,
    OrderStatus,
    Provider,
    Submission,
    SubmissionState,
)
from orders.models.submission import LIVE_STATES
from panel.kernel.errors import NotFound

Outcome = Accepted | NotSent | RefusedByProvider | OutcomeUnknown

FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=10)
RATE_PAUSE: Final = timedelta(minutes=1)
HOLD: Final = timedelta(minutes=5)
LONGEST_NUMBER: Final = 60

_OF_PROVIDER: Final = {
    Reason.NO_FUNDS: (AttentionKind.PROVIDER_BALANCE, "Our balance at the provider is empty"),
    Reason.BAD_KEY: (AttentionKind.PROVIDER_KEY, "The provider refuses our API key"),
}


def record(*, submission_id: int, outcome: Outcome, at: datetime) -> SubmissionState:
    """Write down the outcome of a call and return the state that the submission is in now.

    Accepted: the order is polled from now on. Provably not sent, or refused because of us (balance, key, too many
    calls): the order waits its turn again. Refused for what it asks for: the order waits for a person or for the
    customer's cancel; nothing is refunded by itself. Unknown stays unknown.

    Raises NotFound.
    """
    with transaction.atomic(durable=True):
        order, submission = lock(submission_id)
        if submission.state not in LIVE_STATES:
            _heed_late(submission, outcome, at)
        elif isinstance(outcome, Accepted):
            _accept(order, submission, outcome.provider_order_id, at)
        elif isinstance(outcome, OutcomeUnknown):
            _doubt(submission, outcome.message, at)
        elif submission.state == SubmissionState.UNKNOWN:
            _not_proven(submission, outcome, at)
        elif isinstance(outcome, NotSent):
            _not_reached(submission, outcome, at)
            close(submission, SubmissionState.NOT_SENT, outcome.message, at)
            give_back(order, due=at + _pause(order), note=outcome.message, at=at)
        else:
            _refuse(order, submission, outcome, at)
        return SubmissionState(submission.state)


def withhold(*, submission_id: int, at: datetime) -> SubmissionState:
    """Give back an order that was claimed but not called, because its provider takes no orders now.

    Raises NotFound.
    """
    with transaction.atomic(durable=True):
        order, submission = lock(submission_id)
        if submission.state == SubmissionState.CLAIMED:
            close(submission, SubmissionState.NOT_SENT, "The provider takes no orders now", at)
            give_back(order, due=at, note="The provider takes no orders now", at=at)
        return SubmissionState(submission.state)


def lock(submission_id: int) -> tuple[Order, Submission]:
    """Lock a submission's order, then the submission. Raises NotFound."""
    order = Order.objects.locked().filter(submissions=submission_id).first()
    submission = Submission.objects.select_for_update(no_key=True).filter(pk=submission_id).first()
    if order is None or submission is None:
        raise NotFound("There is no such submission.")
    return order, submission


def assign(order: Order, submission: Submission, number: str, at: datetime) -> bool:
    """Write down the provider's number of a locked order and have it polled; False if it is another order's number."""
    if len(number) > LONGEST_NUMBER:
        return False
    order.provider_order_id = number
    order.sync_due_at = None if order.is_final else at + settings.ORDER_SYNC_INTERVAL
    try:
        with transaction.atomic():
            order.save(update_fields=["provider_order_id", "sync_due_at"])
    except IntegrityError as error:
        if "order_of_provider_once" not in str(error):
            raise
        return False
    submission.provider_order_id = number
    close(submission, SubmissionState.ACCEPTED, "", at)
    return True


def close(submission: Submission, state: SubmissionState, detail: str, at: datetime) -> None:
    """Write the state that a locked submission comes to."""
    submission.state = state
    submission.detail = detail[:300]
    submission.recorded_at = at
    submission.save(update_fields=["state", "detail", "provider_order_id", "recorded_at"])


def give_back(order: Order, *, due: datetime | None, note: str, at: datetime) -> None:
    """Return a locked order, which the provider provably doesn't have, from processing to pending.

    `due` is when it is submitted again; None is not by itself. A cancel that was asked for meanwhile is carried out
    instead: nothing stands in its way any more.
    """
    if order.status != OrderStatus.PROCESSING:
        return
    wish = CancelRequest.objects.filter(order=order, state=CancelRequestState.REQUESTED).first()
    if wish is not None and _may_be_carried_out(wish, order):
        canceled = Move(order.pk, OrderStatus.CANCELED, cause=Cause(wish.cause), remains=order.quantity)
        lifecycle.require_moved(
            lifecycle.transition([canceled], initiator=Initiator(wish.initiator), actor_id=wish.actor_id, at=at)
        )
        return
    pending = Move(order.pk, OrderStatus.PENDING, note=note)
    lifecycle.require_moved(lifecycle.transition([pending], initiator=Initiator.SYSTEM, at=at))
    Order.objects.filter(pk=order.pk).update(submit_due_at=due)


def _may_be_carried_out(wish: CancelRequest, order: Order) -> bool:
    """Whether whoever wished may cancel a pending order: staff always, customers where the policy says so."""
    if wish.initiator != Initiator.CUSTOMER:
        return True
    return ports.policy().customer_may_cancel(order.policy_version, OrderStatus.PENDING)


def hold(provider_id: int, until: datetime, reason: str) -> None:
    """Send the provider no orders before `until`; a longer hold stays."""
    Provider.objects.filter(Q(held_until__isnull=True) | Q(held_until__lt=until), pk=provider_id).update(
        held_until=until, held_reason=reason[:300]
    )


def _not_reached(submission: Submission, outcome: NotSent, at: datetime) -> None:
    """Hold the provider for 30 seconds; twice as long each time it is tried in vain, and then a person is told."""
    held_until = Provider.objects.values_list("held_until", flat=True).get(pk=submission.provider_id)
    pause = FIRST_PAUSE
    if held_until is not None and held_until <= at:
        pause = _doubled(submission, held_until)
        concern = Concern(
            AttentionKind.PROVIDER_UNREACHABLE,
            f"Orders can't be sent, the next is tried in {pause.total_seconds():.0f} s: {outcome.message}",
            provider_id=submission.provider_id,
        )
        attention.file([concern], at)
    hold(submission.provider_id, at + pause, f"Not reached: {outcome.message}")


def _doubled(submission: Submission, held_until: datetime) -> timedelta:
    """Return twice the hold that has run out, if the call before this one was what caused it."""
    # Walks the primary key back to the provider's last call: no further than the longest pause ago.
    calls = Submission.objects.filter(provider=submission.provider_id, called_at__isnull=False, pk__lt=submission.pk)
    last = calls.order_by("-pk").values_list("state", "called_at").first()
    if last is None or last[0] != SubmissionState.NOT_SENT or last[1] is None:
        return FIRST_PAUSE
    return max(FIRST_PAUSE, min(2 * (held_until - last[1]), LONGEST_PAUSE))


def _accept(order: Order, submission: Submission, number: str, at: datetime) -> None:
    if not assign(order, submission, number, at):
        detail = f"The provider answered with order number {number[:80]}, which belongs to another order of ours"
        _doubt(submission, detail, at)
        _ask_a_person(submission, detail, at)
        return
    Provider.objects.filter(pk=submission.provider_id, held_until__lte=at).update(held_until=None, held_reason="")
    if order.is_final:
        _ask_a_person(submission, f"The provider took it as {number} after it had ended here; cancel it there", at)


def _doubt(submission: Submission, detail: str, at: datetime) -> None:
    """Nobody knows whether the provider has the order. It is asked again where that is safe, otherwise by a person."""
    first = submission.state != SubmissionState.UNKNOWN
    close(submission, SubmissionState.UNKNOWN, detail, at)
    if first and not submission.provider.supports_request_id:
        _ask_a_person(submission, detail, at)


def _not_proven(submission: Submission, outcome: NotSent | RefusedByProvider, at: datetime) -> None:
    """A repeat that was not sent or not taken proves nothing about the first call."""
    _doubt(submission, f"Asked again: {outcome.message}", at)
    if isinstance(outcome, RefusedByProvider) and outcome.reason is not Reason.RATE_LIMITED:
        _ask_a_person(submission, f"Asked again, the provider refused: {outcome.message}", at)


def _refuse(order: Order, submission: Submission, outcome: RefusedByProvider, at: datetime) -> None:
    close(submission, SubmissionState.REFUSED, outcome.message, at)
    due: datetime | None = at + _pause(order)
    if outcome.reason in _OF_PROVIDER:
        kind, sentence = _OF_PROVIDER[outcome.reason]
        hold(submission.provider_id, at + HOLD, f"{sentence}: {outcome.message}")
        detail = f"{sentence}: {outcome.message}"
        attention.file([Concern(kind, detail, provider_id=submission.provider_id)], at)
    elif outcome.reason is Reason.RATE_LIMITED:
        due = at + RATE_PAUSE
        hold(submission.provider_id, due, f"Too many calls: {outcome.message}")
    else:
        due = None
        refused = Concern(
            AttentionKind.SUBMISSION_REFUSED,
            f"The provider refused the order: {outcome.message}",
            order_id=order.pk,
            provider_id=submission.provider_id,
            report={"reason": outcome.reason.value, "error": outcome.message},
        )
        attention.file([refused], at)
    give_back(order, due=due, note=f"Refused by the provider: {outcome.message}", at=at)


def _heed_late(submission: Submission, outcome: Outcome, at: datetime) -> None:
    """An answer to a settled submission changes nothing; one that contradicts it is for a person."""
    if isinstance(outcome, Accepted) and outcome.provider_order_id != submission.provider_order_id:
        number = outcome.provider_order_id[:80]
        _ask_a_person(submission, f"A late answer says that the provider took it as {number}; cancel one of them", at)


def _ask_a_person(submission: Submission, detail: str, at: datetime) -> None:
    attention.file([unknown(submission.order_id, submission.provider_id, submission.pk, detail)], at)


def unknown(order_id: int, provider_id: int, submission_id: int, detail: str) -> Concern:
    """Return the concern that asks a person to look for an order at its provider."""
    return Concern(
        AttentionKind.SUBMISSION_UNKNOWN,
        f"{detail}. Look for the order's link and quantity at the provider; then say under which number it is there,"
        " or that it isn't.",
        order_id=order_id,
        provider_id=provider_id,
        report={"submission": submission_id},
    )


def _pause(order: Order) -> timedelta:
    """Return 30 seconds, doubled by every earlier call for this order, 10 minutes at the most."""
    calls = Submission.objects.filter(order=order, called_at__isnull=False).count()
    return min(FIRST_PAUSE * (1 << min(max(calls - 1, 0), 10)), LONGEST_PAUSE)
