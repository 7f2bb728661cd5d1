"""Finding the deposit that a payment at a gateway belongs to, when the gateway speaks of the payment first."""

from datetime import datetime

from billing import deposits, gateways
from billing.gateways.base import Refusal, Refused
from billing.models import Deposit


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
    try:
        paid = gateways.get(gateway).find_deposit(payment_reference)
    except Refused as error:
        if error.refusal != Refusal.NOT_FOUND:
            raise
        return None
    if paid is None:
        return None
    deposits.record(paid, gateway=gateway, at=at)
    credited: Deposit | None = known.first()
    return credited
