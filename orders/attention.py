"""The attention queue: file what a person must decide, and close it with what was decided."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from orders.models import (
    AttentionItem,
    AttentionKind,
    Order,
    OrderStatus,
    Passing,
    Refill,
    Submission,
    SubmissionState,
)
from panel.accounts.models import User
from panel.kernel.errors import Conflict, NotFound, Refused


class AlreadyResolved(Conflict):
    """Somebody else was first."""

    code = "already_resolved"


class StillOpen(Conflict):
    """The question has answers of its own, and none was given yet."""

    code = "attention_still_open"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to look at: of an order, or of a provider when `order_id` is None. `report` is kept as JSON."""

    kind: AttentionKind
    detail: str
    order_id: int | None = None
    provider_id: int | None = None
    report: dict[str, object] = field(default_factory=dict)


_FILE_ORDERS = """
    INSERT INTO orders_attentionitem (kind, order_id, provider_id, detail, report, seen, first_at, last_at, resolution)
    SELECT c.*, 1, %s, %s, '' FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::jsonb[]) AS c
    ON CONFLICT {conflict} DO UPDATE
    SET seen = orders_attentionitem.seen + 1, last_at = EXCLUDED.last_at,
        detail = EXCLUDED.detail, report = EXCLUDED.report
"""
_PER_ORDER = "(order_id, kind) WHERE resolved_at IS NULL AND order_id IS NOT NULL"
_PER_PROVIDER = "(provider_id, kind) WHERE resolved_at IS NULL AND order_id IS NULL"


def file(concerns: Sequence[Concern], at: datetime) -> None:
    """Add concerns to the queue in at most two statements; an open one of the same kind counts up instead."""
    for conflict, part in (
        (_PER_ORDER, [c for c in concerns if c.order_id is not None]),
        (_PER_PROVIDER, [c for c in concerns if c.order_id is None]),
    ):
        unique = {(c.order_id, c.provider_id if c.order_id is None else None, c.kind): c for c in part}
        if unique:
            rows = [
                (c.kind.value, c.order_id, c.provider_id, c.detail[:500], json.dumps(c.report, default=str))
                for c in unique.values()
            ]
            with connection.cursor() as cursor:
                statement = _FILE_ORDERS.format(conflict=conflict)
                cursor.execute(statement, [at, at, *(list(column) for column in zip(*rows, strict=True))])


def _require_answered(item: AttentionItem) -> None:
    """Refuse to put away a question that only its own answers settle: the order would wait forever, and unseen."""
    if item.order_id is None:
        return
    unknown = Submission.objects.filter(order=item.order_id, state=SubmissionState.UNKNOWN)
    if item.kind == AttentionKind.SUBMISSION_UNKNOWN and unknown.exists():
        raise StillOpen("Say first whether the provider has the order: found there, or not there.")
    refills = Refill.objects.filter(order=item.order_id, passing=Passing.UNKNOWN, closed_at__isnull=True)
    if item.kind == AttentionKind.REFILL_UNKNOWN and refills.exists():
        raise StillOpen("Say first, on the page of the refill, what became of it at the provider.")
    refused = Order.objects.filter(pk=item.order_id, status=OrderStatus.PENDING, submit_due_at=None)
    if item.kind == AttentionKind.SUBMISSION_REFUSED and refused.filter(provider__isnull=False).exists():
        raise StillOpen("The order still waits: send it again, or cancel it on its own page.")


def settle(*, order_id: int, kind: AttentionKind, staff: User | None, resolution: str, at: datetime) -> None:
    """Close what is open of this kind about an order, because a use case has just dealt with it; by nobody for None."""
    AttentionItem.objects.filter(order=order_id, kind=kind, resolved_at__isnull=True).update(
        resolved_at=at, resolved_by=staff, resolution=resolution[:300]
    )


def resolve(*, item_id: int, staff: User, resolution: str, at: datetime) -> None:
    """Close an item with what was decided.

    Raises NotFound, AlreadyResolved, StillOpen, Refused without a resolution.
    """
    if not resolution.strip():
        raise Refused("Say what was decided.", field="resolution")
    with transaction.atomic(durable=True):
        item = AttentionItem.objects.select_for_update().filter(pk=item_id).first()
        if item is None:
            raise NotFound("There is no such item.")
        if item.resolved_at:
            raise AlreadyResolved("This was resolved already.")
        _require_answered(item)
        item.resolved_at = at
        item.resolved_by = staff
        item.resolution = resolution.strip()[:300]
        item.save(update_fields=["resolved_at", "resolved_by", "resolution"])
