"""Passing refills on to providers: claim what is due, call, record.

A second call may make a second refill, and no provider promises otherwise. So a call whose outcome nobody knows is
never made again by itself: a person looks at the provider's own pages and says what became of it.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from orders import attention, refills
from orders.attention import Concern
from orders.fulfilment import client, connecting, outcomes
from orders.fulfilment.client import NotSent, OutcomeUnknown, Reason, RefillTaken, RefusedByProvider
from orders.fulfilment.unknowns import DEAD_AFTER
from orders.models import AttentionKind, Order, Passing, Refill, RefillState

log = structlog.get_logger()

FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=10)
# A refill costs nothing: "insufficient" is then said about the order, and not about our balance.
BECAUSE_OF_US: Final = {Reason.BAD_KEY: outcomes.HOLD, Reason.RATE_LIMITED: outcomes.RATE_PAUSE}
SILENT_AFTER: Final = timedelta(days=1)  # a person is told of a refill that can't be passed on for so long

Outcome = RefillTaken | NotSent | RefusedByProvider | OutcomeUnknown


def claim_due(*, limit: int, at: datetime) -> list[int]:
    """Take up to `limit` due refills and return their numbers, oldest due first; those of held providers wait.

    Their next turn is postponed by as long as they have waited, from 30 seconds to 10 minutes.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT r.id FROM orders_refill r JOIN orders_provider p ON p.id = r.provider_id
                WHERE r.send_due_at <= %s AND (p.held_until IS NULL OR p.held_until <= %s)
                ORDER BY r.send_due_at, r.id LIMIT %s FOR NO KEY UPDATE OF r SKIP LOCKED)
            UPDATE orders_refill r
            SET send_due_at = %s
                + greatest(make_interval(secs => %s), least(make_interval(secs => %s), %s - r.requested_at))
            FROM due WHERE r.id = due.id RETURNING r.id
            """,
            [at, at, limit, at, FIRST_WAIT.total_seconds(), LONGEST_WAIT.total_seconds(), at],
        )
        return sorted(number for (number,) in cursor.fetchall())


def send(*, refill_id: int, at: datetime) -> Passing | None:
    """Call the provider for one refill that waits, and record what came of it; return how far it got.

    None when it doesn't wait (any more): tasks may run twice, and staff may have been first; or when its order has
    nothing to refill any more, which ends it.
    """
    refill = Refill.objects.select_related("provider", "order").filter(pk=refill_id, passing=Passing.WAITING).first()
    if refill is None or refill.provider is None or not _begin(refill_id, at):
        return None
    try:
        outcome: Outcome = client.refill(connecting.to(refill.provider), refill.order.provider_order_id)
    except (NotSent, RefusedByProvider, OutcomeUnknown) as error:
        log.warning("refill_not_taken", refill=refill.pk, outcome=error.code, detail=error.message)
        outcome = error
    return record(refill_id=refill_id, called_at=at, outcome=outcome, at=at)


def record(*, refill_id: int, called_at: datetime, outcome: Outcome, at: datetime) -> Passing | None:
    """Write down the outcome of the call that was made at `called_at`; return how far the refill is now.

    Provably not sent, or refused because of us (key, too many calls): it waits its turn again. Refused for
    what it asks for: rejected. Unknown stays so. An answer to a call that was settled meanwhile changes nothing.
    """
    with transaction.atomic(durable=True):
        refill = lock(refill_id)
        if refill is None:
            return None
        was_unknown = refill.passing == Passing.UNKNOWN
        asks = refill.is_live and refill.passing in {Passing.CALLING, Passing.UNKNOWN}
        if not asks or refill.called_at != called_at:
            _heed_late(refill, outcome, at)
        elif isinstance(outcome, RefillTaken):
            _accept(refill, outcome.provider_refill_id, at)
        elif isinstance(outcome, OutcomeUnknown):
            _doubt(refill, outcome.message, at)
        elif isinstance(outcome, NotSent):
            _wait(refill, outcome.message, at)
        else:
            _refuse(refill, outcome, at)
        if was_unknown and refill.passing != Passing.UNKNOWN:
            resolution = f"The provider's answer came late: {refill.get_passing_display().lower()}"
            _close(refill, AttentionKind.REFILL_UNKNOWN, resolution, at)
        return Passing(refill.passing)


def give_up_calls(*, at: datetime) -> int:
    """Make calls that nobody can be waiting for any more unknown: their worker died. Return how many."""
    with transaction.atomic(durable=True):
        dead = Refill.objects.filter(passing=Passing.CALLING, called_at__lte=at - DEAD_AFTER).order_by("pk")
        found = list(dead.select_for_update(skip_locked=True, no_key=True))
        detail = "The worker died during the call"
        Refill.objects.filter(pk__in=[refill.pk for refill in found]).update(passing=Passing.UNKNOWN, detail=detail)
        attention.file([_unknown(refill, detail) for refill in found], at)
    return len(found)


def lock(refill_id: int) -> Refill | None:
    """Lock a refill; None when there is none of this number."""
    return Refill.objects.select_for_update(no_key=True).filter(pk=refill_id).first()


def assign(refill: Refill, number: str, at: datetime) -> None:
    """Write down the provider's number of a locked refill and have it polled.

    Raises IntegrityError (nothing is written) when the number is another refill's.
    """
    refill.passing = Passing.ACCEPTED
    refill.provider_refill_id = number
    refill.poll_due_at = at + settings.ORDER_SYNC_INTERVAL
    refill.detail = ""
    with transaction.atomic():
        refill.save(update_fields=["passing", "provider_refill_id", "poll_due_at", "detail"])


def put_back(refill: Refill, detail: str, *, due: datetime) -> None:
    """Let a locked refill, of which the provider provably has nothing, be passed on at `due`."""
    refill.passing = Passing.WAITING
    refill.send_due_at = due
    refill.detail = detail[:300]
    refill.save(update_fields=["passing", "send_due_at", "detail"])


def _begin(refill_id: int, at: datetime) -> bool:
    """Write down that the call may have been made, before it is. False when somebody else did, or it is not to be made.

    The wish may have waited for days, and its order been refunded meanwhile: then it ends here. Under the order's lock,
    a settlement is either seen or comes after the call.
    """
    with transaction.atomic(durable=True):
        order = Order.objects.locked().filter(refills=refill_id).first()
        refill = lock(refill_id)
        if order is None or refill is None or not refill.is_live or refill.passing != Passing.WAITING:
            return False
        if reason := refills.objection(order):
            log.info("refill_not_wanted", refill=refill.pk, order=order.pk, detail=reason)
            moved = refill.move(RefillState.REJECTED, at=at)
            refill.detail = f"Not passed on: {reason}"[:300]
            refill.save(update_fields=[*moved, "detail"])
            _close(refill, AttentionKind.REFILL_SILENT, refill.detail, at)
            return False
        refill.passing, refill.called_at, refill.send_due_at = Passing.CALLING, at, None
        refill.save(update_fields=["passing", "called_at", "send_due_at"])
        return True


def _accept(refill: Refill, number: str, at: datetime) -> None:
    try:
        if len(number) <= outcomes.LONGEST_NUMBER:
            assign(refill, number, at)
            return
    except IntegrityError as error:
        if "refill_of_provider_once" not in str(error):
            raise
        refill.refresh_from_db()
    _doubt(refill, f"The provider answered with number {number[:80]}, which can't be this refill's", at)


def _doubt(refill: Refill, detail: str, at: datetime) -> None:
    refill.passing = Passing.UNKNOWN
    refill.detail = detail[:300]
    refill.save(update_fields=["passing", "detail"])
    attention.file([_unknown(refill, detail)], at)


def _wait(refill: Refill, detail: str, at: datetime) -> None:
    waited = at - refill.requested_at
    put_back(refill, detail, due=at + max(FIRST_WAIT, min(LONGEST_WAIT, waited)))
    if waited >= SILENT_AFTER:
        about = f"{refill} can't be passed on: {detail}"
        attention.file([Concern(AttentionKind.REFILL_SILENT, about, order_id=refill.order_id)], at)


def _refuse(refill: Refill, outcome: RefusedByProvider, at: datetime) -> None:
    if outcome.reason is Reason.BAD_KEY:
        detail = f"The provider refuses our API key: {outcome.message}"
        attention.file([Concern(AttentionKind.PROVIDER_KEY, detail, provider_id=refill.provider_id)], at)
    if outcome.reason in BECAUSE_OF_US:
        put_back(refill, outcome.message, due=at + BECAUSE_OF_US[outcome.reason])
        return
    moved = refill.move(RefillState.REJECTED, at=at)
    refill.passing = Passing.REFUSED
    refill.detail = outcome.message[:300]
    refill.save(update_fields=[*moved, "passing", "detail"])


def _heed_late(refill: Refill, outcome: Outcome, at: datetime) -> None:
    """An answer to a settled call changes nothing; a refill that it speaks of is for a person to look at."""
    if isinstance(outcome, RefillTaken) and outcome.provider_refill_id != refill.provider_refill_id:
        about = f"A late answer says that the provider took {refill} as {outcome.provider_refill_id[:80]}"
        attention.file([Concern(AttentionKind.REFILL_ODD, about, order_id=refill.order_id)], at)


def _close(refill: Refill, kind: AttentionKind, resolution: str, at: datetime) -> None:
    """Take a question off the queue that nobody has to answer any more."""
    attention.settle(order_id=refill.order_id, kind=kind, staff=None, resolution=resolution, at=at)


def _unknown(refill: Refill, detail: str) -> Concern:
    return Concern(
        AttentionKind.REFILL_UNKNOWN,
        f"{detail}. Look at the provider whether it has a refill of the order; then say on the page of {refill} under"
        " which number it is there, or that it isn't.",
        order_id=refill.order_id,
        provider_id=refill.provider_id,
        report={"refill": refill.pk},
    )
