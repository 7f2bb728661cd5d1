"""The list of what differs between a gateway's books and ours: one open row for each difference, until it is gone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from billing.models import Discrepancy, Problem
from panel.locking import busy_when_locked

_LIST = """
    INSERT INTO billing_discrepancy
        (gateway, problem, reference, description, amount, first_seen_at, last_seen_at)
    SELECT %(gateway)s, found.problem, found.reference, found.description, found.amount, %(at)s, %(at)s
    FROM unnest(%(problems)s::text[], %(references)s::text[], %(descriptions)s::text[], %(amounts)s::numeric[])
         AS found (problem, reference, description, amount)
    ORDER BY 2, 3
    ON CONFLICT (gateway, problem, reference) WHERE resolved_at IS NULL
    DO UPDATE SET last_seen_at = greatest(billing_discrepancy.last_seen_at, excluded.last_seen_at),
                  description = excluded.description, amount = excluded.amount
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A difference. `reference` is the payment's or refund's at the gateway; `amount` is what it is about, unsigned."""

    problem: Problem
    reference: str
    description: str
    amount: Decimal


def open_at(gateway: str) -> list[Discrepancy]:
    """Return the differences that are listed for a gateway and not resolved, the oldest first."""
    return list(Discrepancy.objects.filter(gateway=gateway, resolved_at__isnull=True).order_by("pk"))


def save(*, gateway: str, found: Sequence[Found], gone: Collection[Discrepancy], at: datetime) -> None:
    """List what was found, once each, and resolve what is gone. Two statements, whatever the number. Raises Busy.

    `found` has no two of the same problem and reference.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        if found:
            with connection.cursor() as cursor:
                cursor.execute(
                    _LIST,
                    {
                        "gateway": gateway,
                        "at": at,
                        "problems": [item.problem.value for item in found],
                        "references": [item.reference for item in found],
                        "descriptions": [item.description[:300] for item in found],
                        "amounts": [item.amount for item in found],
                    },
                )
        # A row that another run has seen in the meantime is not gone.
        rows = Discrepancy.objects.filter(pk__in=[row.pk for row in gone], resolved_at__isnull=True)
        rows.filter(last_seen_at__lte=at).update(resolved_at=at)
