"""Passing cancel requests on to providers. Accepted is no refund: the order moves when the provider reports it.

Asking twice is harmless, so a request whose answer was lost is simply asked again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import connection, transaction

from orders import attention
from orders.attention import Concern
from orders.fulfilment import client, connecting
from orders.fulfilment.client import (
    MOST_IDS,
    OURS,
    CancelAccepted,
    CancelRefused,
    ProviderUnreachable,
    Reason,
    RefusedByProvider,
)
from orders.models import AttentionKind, Provider

log = structlog.get_logger()

FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=10)

Verdict = CancelAccepted | CancelRefused


@dataclass(frozen=True, slots=True)
class Wish:
    """A cancel request to pass on."""

    request_id: int
    provider_id: int
    provider_order_id: str


def claim_due(*, limit: int, at: datetime) -> list[Wish]:
    """Take up to `limit` due requests whose order is known to be at its provider.

    Their next turn is postponed by as long as they have waited, from 30 seconds to 10 minutes. A request for an order
    whose submission is still on its way or unknown waits.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT c.id, o.provider_id, o.provider_order_id
                FROM orders_cancelrequest c JOIN orders_order o ON o.id = c.order_id
                WHERE c.send_due_at <= %s AND c.state = 'requested' AND o.provider_order_id <> ''
                  AND o.status IN ('processing', 'in_progress')
                ORDER BY c.send_due_at, c.id LIMIT %s FOR NO KEY UPDATE OF c SKIP LOCKED)
            UPDATE orders_cancelrequest c
            SET send_due_at = %s
                + greatest(make_interval(secs => %s), least(make_interval(secs => %s), %s - c.requested_at))
            FROM due WHERE c.id = due.id RETURNING c.id, due.provider_id, due.provider_order_id
            """,
            [at, limit, at, FIRST_WAIT.total_seconds(), LONGEST_WAIT.total_seconds(), at],
        )
        return [Wish(*row) for row in cursor.fetchall()]


def send_due(*, limit: int = MOST_IDS, at: datetime) -> int:
    """Pass on up to `limit` due requests and record the answers; return how many were passed on."""
    by_provider: dict[int, list[Wish]] = defaultdict(list)
    for wish in claim_due(limit=min(limit, MOST_IDS), at=at):
        by_provider[wish.provider_id].append(wish)
    for provider in Provider.objects.filter(pk__in=by_provider).order_by("pk"):
        _pass_on(provider, by_provider[provider.pk], at)
    return sum(map(len, by_provider.values()))


def record(verdicts: Mapping[int, Verdict], at: datetime) -> None:
    """Write the provider's verdicts by request; requests that were answered or closed meanwhile stay as they are."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH answered AS MATERIALIZED (
                SELECT c.id, v.state, v.detail FROM orders_cancelrequest c
                JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS v(id, state, detail) ON v.id = c.id
                WHERE c.state = 'requested' ORDER BY c.id FOR NO KEY UPDATE OF c)
            UPDATE orders_cancelrequest c
            SET state = answered.state, detail = answered.detail, answered_at = %s, send_due_at = NULL
            FROM answered WHERE c.id = answered.id
            """,
            [
                list(verdicts),
                ["refused" if isinstance(verdict, CancelRefused) else "accepted" for verdict in verdicts.values()],
                [verdict.message[:300] if isinstance(verdict, CancelRefused) else "" for verdict in verdicts.values()],
                at,
            ],
        )


def _pass_on(provider: Provider, wishes: Sequence[Wish], at: datetime) -> None:
    try:
        said = client.cancel(connecting.to(provider), [wish.provider_order_id for wish in wishes])
    except ProviderUnreachable as error:
        log.warning("cancel_not_answered", provider=provider.pk, requests=len(wishes), detail=error.message)
        return
    except RefusedByProvider as error:
        _whole_call_refused(provider, wishes, error, at)
        return
    record({wish.request_id: said[wish.provider_order_id] for wish in wishes}, at)


def _whole_call_refused(provider: Provider, wishes: Sequence[Wish], error: RefusedByProvider, at: datetime) -> None:
    """One error for the whole call: because of us it says nothing about the orders; otherwise ask for each alone."""
    log.warning("cancel_refused", provider=provider.pk, requests=len(wishes), detail=error.message)
    if error.reason is Reason.BAD_KEY:
        detail = f"The provider refuses our API key: {error.message}"
        with transaction.atomic(durable=True):
            attention.file([Concern(AttentionKind.PROVIDER_KEY, detail, provider_id=provider.pk)], at)
    elif error.reason not in OURS and len(wishes) > 1:
        for wish in wishes:
            _pass_on(provider, [wish], at)
    elif error.reason not in OURS:
        record({wishes[0].request_id: CancelRefused(error.message)}, at)
