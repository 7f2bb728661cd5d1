"""Asking providers how far orders got: claim what is due, ask for up to 100 in a call, record in one transaction.

The number of statements of a batch does not grow with it (tested). Claiming postpones the next poll, so a batch whose
worker dies is polled again after the interval. Ended orders are asked about daily for a week: providers correct
themselves (settings.ORDER_RECHECK_INTERVAL, ORDER_RECHECK_FOR).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from orders import attention, lifecycle
from orders.attention import Concern
from orders.fulfilment import client, connecting, meaning, resting
from orders.fulfilment.client import MOST_IDS, OURS, Missing, ProviderUnreachable, RefusedByProvider, Report
from orders.fulfilment.meaning import Standing
from orders.lifecycle import Move, Progress
from orders.models import AttentionKind, Initiator, Provider
from panel.kernel.errors import PanelError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Polled:
    """An order to ask its provider about."""

    order_id: int
    provider_order_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says about one of our orders."""

    order_id: int
    said: Report | Missing


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came of asking about a batch: answers, and the orders that got none because of `error`."""

    answers: Sequence[Answer]
    left: Sequence[Polled]
    error: ProviderUnreachable | RefusedByProvider | None


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of polling, in orders: asked about, moved, put before a person, and not answered or not recorded."""

    polled: int = 0
    moved: int = 0
    concerns: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.polled + other.polled,
            self.moved + other.moved,
            self.concerns + other.concerns,
            self.failed + other.failed,
        )


def sync_due(*, limit: int = MOST_IDS, at: datetime) -> Tally:
    """Poll one batch of up to `limit` (at most 100) due orders of every provider. Nothing polled: nothing is due."""
    tally = Tally()
    for provider in Provider.objects.order_by("pk"):
        if not resting.rests(provider, at):
            tally += _sync_provider(provider, limit, at)
    return tally


def make_due(*, at: datetime) -> int:
    """Make every running order that is polled due now, and wake resting providers; return how many orders are due.

    Ended ones keep their day; those whose day has come are due, too.
    """
    resting.wake(list(Provider.objects.values_list("pk", flat=True)))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_order SET sync_due_at = %s WHERE id IN (
                SELECT id FROM orders_order WHERE sync_due_at > %s AND final_at IS NULL ORDER BY id FOR NO KEY UPDATE)
            """,
            [at, at],
        )
        cursor.execute("SELECT count(*) FROM orders_order WHERE sync_due_at <= %s AND provider_order_id <> ''", [at])
        (due,) = cursor.fetchone()
    return int(due)


def claim_due(*, provider_id: int, limit: int, at: datetime) -> list[Polled]:
    """Take up to `limit` due orders of a provider, oldest due first, and postpone their next poll by the interval.

    Ended orders by theirs; once their time is over, this poll is their last. The commit doesn't wait for the disk: a
    claim that a crash of the database loses is only a poll made twice, and `record` changes nothing the second time.
    """
    recheck = at + settings.ORDER_RECHECK_INTERVAL
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT id FROM orders_order
                WHERE sync_due_at <= %s AND provider_id = %s AND provider_order_id <> ''
                ORDER BY sync_due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE orders_order o SET sync_due_at = CASE
                WHEN o.final_at IS NULL THEN %s
                WHEN %s <= o.final_at + make_interval(secs => %s) THEN %s END
            FROM due WHERE o.id = due.id
            RETURNING o.id, o.provider_order_id
            """,
            [
                at,
                provider_id,
                min(limit, MOST_IDS),
                at + settings.ORDER_SYNC_INTERVAL,
                recheck,
                settings.ORDER_RECHECK_FOR.total_seconds(),
                recheck,
            ],
        )
        return [Polled(*row) for row in cursor.fetchall()]


def ask(provider: Provider, batch: Sequence[Polled]) -> list[Answer]:
    """Ask the provider about up to 100 orders in one call. Raises ProviderUnreachable, RefusedByProvider."""
    said = client.statuses(connecting.to(provider), [polled.provider_order_id for polled in batch])
    return [Answer(polled.order_id, said[polled.provider_order_id]) for polled in batch]


def record(answers: Sequence[Answer], at: datetime) -> Tally:
    """Move, settle and note what the answers say, in one transaction and a fixed number of statements.

    The same answers recorded again change nothing. When a batch can't be written, each answer is tried alone, so that
    one order doesn't keep ninety-nine others from their refunds.
    """
    try:
        return _record(answers, at)
    except (DatabaseError, PanelError):
        if len(answers) == 1:
            log.exception("report_not_recorded", order=answers[0].order_id)
            return Tally(failed=1)
        log.exception("batch_not_recorded", orders=len(answers))
    return sum((record([answer], at) for answer in answers), Tally())


def _sync_provider(provider: Provider, limit: int, at: datetime) -> Tally:
    batch = claim_due(provider_id=provider.pk, limit=limit, at=at)
    if not batch:
        return Tally()
    heard = _hear(provider, batch)
    if heard.error is None:
        resting.wake([provider.pk])
    else:
        resting.rest(provider, [polled.order_id for polled in heard.left], heard.error, at)
    tally = Tally(polled=len(batch), failed=len(heard.left))
    return tally + record(heard.answers, at) if heard.answers else tally


def _hear(provider: Provider, batch: Sequence[Polled]) -> _Heard:
    """Ask about a batch; when it is refused because of its orders, in halves, down to the order that is to blame.

    So one bad number keeps no other order from its end. When every order of several is refused, the provider is to
    blame and not the orders.
    """
    answers, blamed, parts = list[Answer](), list[Answer](), [batch]
    error: ProviderUnreachable | RefusedByProvider | None = None
    while parts:
        part = parts.pop()
        try:
            answers += ask(provider, part)
        except (ProviderUnreachable, RefusedByProvider) as failure:
            error = failure
            if isinstance(failure, ProviderUnreachable) or failure.reason in OURS:
                parts.append(part)
                break
            log.warning("poll_refused", provider=provider.pk, orders=len(part), detail=failure.message)
            half = len(part) // 2
            if half:
                parts += [part[half:], part[:half]]
            else:
                blamed.append(Answer(part[0].order_id, Missing(failure.message)))
    if not answers and (parts or len(batch) > 1):
        return _Heard([], batch, error)
    left = [polled for part in parts for polled in part]
    return _Heard(answers + blamed, left, error if left else None)


def _record(answers: Sequence[Answer], at: datetime) -> Tally:
    said = {answer.order_id: answer.said for answer in answers}
    with transaction.atomic(durable=True):
        meanings = [meaning.of(order, said[order.order_id]) for order in _standings(said)]
        moves = [one for one in meanings if isinstance(one, Move)]
        news = [one for one in meanings if isinstance(one, Progress)]
        concerns = [one for one in meanings if isinstance(one, Concern)]
        moved = 0
        if moves:
            outcome = lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=at)
            moved = len(outcome.moved)
            concerns += [
                Concern(
                    AttentionKind.ILLEGAL_MOVE,
                    rejected.error.message,
                    order_id=rejected.move.order_id,
                    report={"status": rejected.move.raw_status, "remains": rejected.move.remains},
                )
                for rejected in outcome.rejected
            ]
        if news:
            lifecycle.note_progress(news)
        if concerns:
            attention.file(concerns, at)
    return Tally(moved=moved, concerns=len(concerns))


def _standings(order_ids: dict[int, Report | Missing]) -> list[Standing]:
    """Lock the orders and read how they stand now: the answer is older than the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, status, quantity, remains, start_count, final_at IS NOT NULL AND 'staff' = (
                SELECT initiator FROM orders_orderevent e WHERE e.order_id = o.id ORDER BY e.id DESC LIMIT 1)
            FROM orders_order o WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
            """,
            [list(order_ids)],
        )
        return [Standing(*row) for row in cursor.fetchall()]
