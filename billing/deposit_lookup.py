"""Finding the deposit that a payment at a gateway belongs to, when the gateway speaks of the payment first."""

from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache

from billing import deposits, gateways
from billing.gateways.base import Refusal, Refused
from billing.models import Deposit

_REMEMBERED_FOR: Final = timedelta(hours=6)


def is_foreign(payment_reference: str, *, gateway: str) -> bool:
    """Whether the gateway said in the last hours that a payment is not this panel's: others may share its account."""
    return bool(cache.get(_key(payment_reference, gateway)))


def by_payment(payment_reference: str, *, gateway: str, at: datetime) -> Deposit | None:
    """Return the paid deposit of a payment, None for one that is not ours.

    One whose payment nobody has told us of yet is credited first. Raises Busy, GatewayError.
    """
    if not payment_reference:
        return None
    known = Deposit.objects.filter(gateway=gateway, payment_reference=payment_reference)
    deposit: Deposit | None = known.first()
    if deposit is not None:
        return deposit
    if is_foreign(payment_reference, gateway=gateway):
        return None
    try:
        paid = gateways.get(gateway).find_deposit(payment_reference)
    except Refused as error:
        if error.refusal != Refusal.NOT_FOUND:
            raise
        return None
    credited: Deposit | None = None
    if paid is not None:
        deposits.record(paid, gateway=gateway, at=at)
        credited = known.first()
    if credited is None and (paid is None or paid.deposit is None):
        cache.set(_key(payment_reference, gateway), True, timeout=int(_REMEMBERED_FOR.total_seconds()))
    return credited


def _key(payment_reference: str, gateway: str) -> str:
    return f"billing.foreign.{gateway}.{payment_reference}"
