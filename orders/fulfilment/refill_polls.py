"""Asking providers how refills stand: claim what is due, ask for up to 100 in a call, record in one transaction.

Claiming postpones the next poll: by as long as the refill has run, at most an hour, and once a day after a week. What
makes no sense is kept as it came and goes to a person; the refill stays where it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction

from orders import attention
from orders.attention import Concern
from orders.fulfilment import client, connecting, resting
from orders.fulfilment.client import MOST_IDS, Missing, ProviderUnreachable, Reason, RefillReport, RefusedByProvider
from orders.models import AttentionKind, Passing, Provider, Refill, RefillState
from orders.models.refill import LEGAL_MOVES

log = structlog.get_logger()

LONGEST_WAIT: Final = timedelta(hours=1)
TOO_LONG: Final = timedelta(days=7)  # a person is told of a refill that runs for so long
WAIT_AFTER_THAT: Final = timedelta(days=1)
SILENT_AFTER: Final = timedelta(days=1)  # and of one whose provider doesn't answer

_FILLERS: Final = re.compile(r"[ _-]+")
# Spellings with spaces, hyphens and underscores taken out.
_SPELLINGS: Final = {state.value.replace("_", ""): state for state in RefillState}

Said = RefillReport | Missing


@dataclass(frozen=True, slots=True)
class Polled:
    """A refill to ask its provider about."""

    refill_id: int
    provider_refill_id: str


def poll_due(*, limit: int = MOST_IDS, at: datetime) -> int:
    """Poll one batch of up to `limit` (at most 100) due refills of every provider; return how many were asked about."""
    polled = 0
    for provider in Provider.objects.order_by("pk"):
        batch = [] if resting.rests(provider, at) else claim_due(provider_id=provider.pk, limit=limit, at=at)
        if batch:
            _poll(provider, batch, at)
        polled += len(batch)
    return polled


def claim_due(*, provider_id: int, limit: int, at: datetime) -> list[Polled]:
    """Take up to `limit` due refills of a provider, oldest due first, and postpone their next poll."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT id FROM orders_refill WHERE poll_due_at <= %s AND provider_id = %s
                ORDER BY poll_due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE orders_refill r SET poll_due_at = %s + CASE
                WHEN r.requested_at <= %s THEN make_interval(secs => %s)
                ELSE greatest(make_interval(secs => %s), least(make_interval(secs => %s), %s - r.requested_at)) END
            FROM due WHERE r.id = due.id RETURNING r.id, r.provider_refill_id
            """,
            [
                at,
                provider_id,
                min(limit, MOST_IDS),
                at,
                at - TOO_LONG,
                WAIT_AFTER_THAT.total_seconds(),
                settings.ORDER_SYNC_INTERVAL.total_seconds(),
                LONGEST_WAIT.total_seconds(),
                at,
            ],
        )
        return sorted((Polled(*row) for row in cursor.fetchall()), key=lambda polled: polled.refill_id)


def record(answers: Mapping[int, Said], at: datetime) -> None:
    """Write what a provider says by the number of the refill, in a number of statements that does not grow.

    The same answers recorded again change nothing, nor does one about a refill that ended meanwhile.
    """
    with transaction.atomic(durable=True):
        rows = Refill.objects.select_for_update(no_key=True).filter(pk__in=answers, passing=Passing.ACCEPTED)
        live = list(rows.filter(closed_at__isnull=True).order_by("pk"))
        before = {refill.pk: (refill.state, refill.raw_status) for refill in live}
        concerns = [found for refill in live if (found := _heed(refill, answers[refill.pk], at)) is not None]
        changed = [refill for refill in live if before[refill.pk] != (refill.state, refill.raw_status)]
        if changed:
            columns = ["state", "raw_status", "started_at", "closed_at", "send_due_at", "poll_due_at"]
            Refill.objects.bulk_update(changed, columns)
        attention.file(concerns, at)


def _poll(provider: Provider, batch: Sequence[Polled], at: datetime) -> None:
    try:
        said = client.refill_statuses(connecting.to(provider), [polled.provider_refill_id for polled in batch])
    except ProviderUnreachable as error:
        _not_answered(provider, batch, error, at)
        return
    except RefusedByProvider as error:
        _whole_call_refused(provider, batch, error, at)
        return
    record({polled.refill_id: said[polled.provider_refill_id] for polled in batch}, at)


def _whole_call_refused(provider: Provider, batch: Sequence[Polled], error: RefusedByProvider, at: datetime) -> None:
    """One error for the whole call: because of us it says nothing about the refills; otherwise ask for each alone."""
    if error.reason in {Reason.BAD_KEY, Reason.RATE_LIMITED} or len(batch) == 1:
        _not_answered(provider, batch, error, at)
        return
    for polled in batch:
        _poll(provider, [polled], at)


def _not_answered(
    provider: Provider, batch: Sequence[Polled], error: ProviderUnreachable | RefusedByProvider, at: datetime
) -> None:
    """Nothing was learned. A person is told of a refused key, and of refills about which too long nothing is heard."""
    log.warning("refills_not_answered", provider=provider.pk, refills=len(batch), detail=error.message)
    concerns = []
    if isinstance(error, RefusedByProvider) and error.reason is Reason.BAD_KEY:
        detail = f"The provider refuses our API key: {error.message}"
        concerns.append(Concern(AttentionKind.PROVIDER_KEY, detail, provider_id=provider.pk))
    old = Refill.objects.filter(pk__in=[polled.refill_id for polled in batch], requested_at__lte=at - SILENT_AFTER)
    concerns += [_silent(refill, f"the provider says nothing about it: {error.message}") for refill in old]
    if concerns:
        with transaction.atomic(durable=True):
            attention.file(concerns, at)


def _heed(refill: Refill, said: Said, at: datetime) -> Concern | None:
    """Take the step that an answer says, in memory, or return what a person has to look at."""
    if isinstance(said, Missing):
        return _odd(refill, f"The provider doesn't know {refill}: {said.message}", {"error": said.message})
    refill.raw_status = said.raw_status[:60]
    state = _SPELLINGS.get(_FILLERS.sub("", said.raw_status.strip().lower()))
    if state is None:
        return _odd(refill, f"The provider reports the status {said.raw_status[:60]!r} for {refill}", _kept(said))
    if state in LEGAL_MOVES[RefillState(refill.state)]:
        refill.move(state, at=at)
    elif state != refill.state:
        return _odd(refill, f"The provider reports {state.label.lower()} for {refill}, which has begun", _kept(said))
    if refill.is_live and refill.requested_at <= at - TOO_LONG:
        return _silent(refill, f"the provider still says {said.raw_status[:60]}")
    return None


def _odd(refill: Refill, detail: str, report: dict[str, object]) -> Concern:
    return Concern(AttentionKind.REFILL_ODD, detail, order_id=refill.order_id, report=report)


def _silent(refill: Refill, detail: str) -> Concern:
    about = f"{refill}, asked for on {refill.requested_at:%Y-%m-%d}: {detail}. Settle it by hand if nothing comes of it"
    return Concern(AttentionKind.REFILL_SILENT, about, order_id=refill.order_id)


def _kept(said: RefillReport) -> dict[str, object]:
    return {"status": said.raw_status}
