"""The janitor of submissions: what a dead worker left behind, and calls whose outcome nobody knows.

Asking again is the only way to find out, and safe only where the provider promises that the same request_id makes the
same order. Everywhere else a person looks.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from orders import attention
from orders.fulfilment import answers, outcomes, submit
from orders.models import AttentionKind, Order, Submission, SubmissionState
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, Refused

ABANDONED_AFTER: Final = timedelta(seconds=60)
DEAD_AFTER: Final = settings.PROVIDER_TIMEOUT + timedelta(seconds=60)
REPEATS_SAFE_FOR: Final = timedelta(hours=23)  # providers remember a request_id for 24
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)


class NotUnknown(Conflict):
    """The submission's outcome is known already."""

    code = "submission_not_unknown"


class NumberTaken(Conflict):
    """The provider's number belongs to another order."""

    code = "provider_number_taken"


def abandoned(*, limit: int, at: datetime) -> list[int]:
    """Return submissions that were claimed a minute ago and never called: their task was lost. Send them again."""
    lost = Submission.objects.filter(state=SubmissionState.CLAIMED, claimed_at__lte=at - ABANDONED_AFTER)
    return list(lost.order_by("claimed_at", "pk").values_list("pk", flat=True)[:limit])


def give_up_calls(*, at: datetime) -> int:
    """Make calls that nobody can be waiting for any more unknown: their worker died. Return how many."""
    detail = "The worker died during the call"
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH dead AS MATERIALIZED (
                SELECT id FROM orders_submission WHERE state = 'calling' AND called_at <= %s
                ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE orders_submission s SET state = 'unknown', recorded_at = %s, detail = %s
            FROM dead, orders_provider p WHERE s.id = dead.id AND p.id = s.provider_id
            RETURNING s.order_id, s.provider_id, s.id, p.supports_request_id
            """,
            [at - DEAD_AFTER, at, detail],
        )
        rows = cursor.fetchall()
        attention.file(
            [outcomes.unknown(order, provider, number, detail) for order, provider, number, safe in rows if not safe],
            at,
        )
    return len(rows)


def claim_repeats(*, limit: int, at: datetime) -> list[int]:
    """Take up to `limit` unknown submissions that may be asked again now, and return their numbers.

    The wait doubles from 30 seconds to an hour: it is as long as the outcome has been unknown so far.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT s.id FROM orders_submission s JOIN orders_provider p ON p.id = s.provider_id
                WHERE s.state = 'unknown' AND p.supports_request_id AND p.is_active AND s.called_at > %s
                  AND s.recorded_at + greatest(make_interval(secs => %s),
                                               least(make_interval(secs => %s), s.recorded_at - s.called_at)) <= %s
                ORDER BY s.recorded_at, s.id LIMIT %s FOR NO KEY UPDATE OF s SKIP LOCKED)
            UPDATE orders_submission s SET recorded_at = %s FROM due WHERE s.id = due.id RETURNING s.id
            """,
            [at - REPEATS_SAFE_FOR, FIRST_WAIT.total_seconds(), LONGEST_WAIT.total_seconds(), at, limit, at],
        )
        return [number for (number,) in cursor.fetchall()]


def ask_again(*, submission_id: int, at: datetime) -> SubmissionState | None:
    """Repeat the call of an unknown submission under its request_id and record the answer; None if it isn't unknown."""
    submission = (
        Submission.objects.select_related("provider", "order")
        .filter(
            pk=submission_id,
            state=SubmissionState.UNKNOWN,
            called_at__gt=at - REPEATS_SAFE_FOR,
            provider__supports_request_id=True,
            provider__is_active=True,
        )
        .first()
    )
    if submission is None:
        return None
    return outcomes.record(submission_id=submission_id, outcome=submit.call(submission), at=at)


def expire(*, at: datetime) -> int:
    """Hand over to people what can't be asked again, its request_id being forgotten by now; return how many."""
    with transaction.atomic(durable=True):
        old = list(
            Submission.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(
                state=SubmissionState.UNKNOWN,
                called_at__lte=at - REPEATS_SAFE_FOR,
                recorded_at__lt=F("called_at") + REPEATS_SAFE_FOR,
            )
            .order_by("pk")
        )
        Submission.objects.filter(pk__in=[one.pk for one in old]).update(recorded_at=at)
        attention.file(
            [
                outcomes.unknown(one.order_id, one.provider_id, one.pk, "Unknown for 23 hours, too long to ask again")
                for one in old
            ],
            at,
        )
    return len(old)


def resolve(*, limit: int, at: datetime) -> int:
    """Do the whole janitor's round here and now, one call after the other; return how many submissions were touched."""
    touched = give_up_calls(at=at) + expire(at=at)
    for submission_id in abandoned(limit=limit, at=at):
        touched += submit.send(submission_id=submission_id, at=at) is not None
    for submission_id in claim_repeats(limit=limit, at=at):
        touched += ask_again(submission_id=submission_id, at=at) is not None
    return touched


def found(*, submission_id: int, provider_order_id: str, staff: User, at: datetime) -> None:
    """Record that staff found the order at the provider under this number; it is polled from now on.

    Raises NotFound, Forbidden, NotUnknown, Refused (no such number can exist), NumberTaken.
    """
    number = provider_order_id.strip()
    if answers.order_id(number) is None or len(number) > outcomes.LONGEST_NUMBER:
        raise Refused("Give the provider's order number as it shows it.", field="provider_order_id")
    with transaction.atomic(durable=True):
        order, submission = _locked_for(staff, submission_id)
        if not outcomes.assign(order, submission, number, at):
            message = f"Number {number} belongs to another order of this provider."
            raise NumberTaken(message, field="provider_order_id")
        _settle_attention(order, staff, f"Found at the provider as {number}", at)


def not_there(*, submission_id: int, staff: User, at: datetime) -> None:
    """Record that staff made sure the provider doesn't have the order: it is given back and submitted again.

    Raises NotFound, Forbidden, NotUnknown.
    """
    with transaction.atomic(durable=True):
        order, submission = _locked_for(staff, submission_id)
        outcomes.close(submission, SubmissionState.NOT_SENT, "Staff: not at the provider", at)
        outcomes.give_back(order, due=at, note="Not at the provider", at=at)
        _settle_attention(order, staff, "Not at the provider; submitted again", at)


def _locked_for(staff: User, submission_id: int) -> tuple[Order, Submission]:
    if not staff.is_staff:
        raise Forbidden("Submissions are settled by staff.")
    order, submission = outcomes.lock(submission_id)
    if order.customer_id == staff.pk:
        raise Forbidden("Nobody handles an own order.")
    if submission.state != SubmissionState.UNKNOWN:
        message = f"The outcome is known: {submission.get_state_display().lower()}."
        raise NotUnknown(message)
    return order, submission


def _settle_attention(order: Order, staff: User, resolution: str, at: datetime) -> None:
    kind = AttentionKind.SUBMISSION_UNKNOWN
    attention.settle(order_id=order.pk, kind=kind, staff=staff, resolution=resolution, at=at)
