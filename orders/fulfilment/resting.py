"""Leaving a provider that doesn't answer alone for a while, so that its orders are not asked for in vain."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

from orders import attention
from orders.attention import Concern
from orders.fulfilment.client import ProviderUnreachable, Reason, RefusedByProvider
from orders.models import AttentionKind, Provider

log = structlog.get_logger()

LONGEST_REST: Final = timedelta(minutes=15)
FAILURES_BORNE: Final = 2  # in a row; from the next one on a person is told


def rest(
    provider: Provider, order_ids: Sequence[int], error: ProviderUnreachable | RefusedByProvider, at: datetime
) -> None:
    """Poll the provider, and these orders, later: twice as long each time. No order changes otherwise."""
    failures = int(cache.get(_key(provider.pk), (0, None))[0]) + 1
    pause = min(
        settings.ORDER_SYNC_INTERVAL * (1 << min(failures, 10)), max(LONGEST_REST, settings.ORDER_SYNC_INTERVAL)
    )
    cache.set(_key(provider.pk), (failures, at + pause), timeout=int(pause.total_seconds()) * 4)
    log.warning("sync_failed", provider=provider.pk, orders=len(order_ids), detail=error.message, failures=failures)
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE orders_order SET sync_due_at = %s WHERE sync_due_at IS NOT NULL AND id IN (
                    SELECT id FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)
                """,
                [at + pause, list(order_ids)],
            )
        if isinstance(error, RefusedByProvider) and error.reason is Reason.BAD_KEY:
            detail = f"The provider refuses our API key: {error.message}"
            attention.file([Concern(AttentionKind.PROVIDER_KEY, detail, provider_id=provider.pk)], at)
        elif failures > FAILURES_BORNE:
            detail = f"Orders can't be followed, {failures} polls in a row failed: {error.message}"
            attention.file([Concern(AttentionKind.PROVIDER_UNREACHABLE, detail, provider_id=provider.pk)], at)


def rests(provider: Provider, at: datetime) -> bool:
    """Whether the provider is left alone at this moment."""
    until = cache.get(_key(provider.pk), (0, None))[1]
    return until is not None and at < until


def wake(provider_ids: Sequence[int]) -> None:
    """End the rest of these providers and forget their failures."""
    cache.delete_many([_key(number) for number in provider_ids])


def _key(provider_id: int) -> str:
    return f"orders.sync.rest.{provider_id}"
