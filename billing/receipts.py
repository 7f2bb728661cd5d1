"""Payments that staff saw arrive outside of the online gateways: recorded once for each reference, then credited."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction

from billing import deposits, gateways
from billing.deposits import FIRST_CHECK, BadAmount
from billing.models import Deposit, GatewaySlug, PayoutKind, Receipt
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Conflict, Forbidden, Refused
from panel.locking import busy_when_locked


class AlreadyRecorded(Conflict):
    """Staff recorded this payment before."""

    code = "payment_already_recorded"


def record(
    *, customer: User, amount: Decimal, kind: PayoutKind, reference: str, sender: str, staff: User, at: datetime
) -> Deposit:
    """Credit a payment that arrived outside of the online gateways, as staff saw it there. Once for each reference.

    Raises BadAmount, AlreadyRecorded, Forbidden (not staff, or one's own balance), Refused (a field is empty).
    """
    if not staff.is_staff or staff.pk == customer.pk:
        raise Forbidden("Deposits are recorded by staff, and never one's own.")
    for field, text in (("reference", reference), ("sender", sender)):
        if not text.strip():
            raise Refused("Say which payment it is and who sent it: it may have to go back there.", field=field)
    limits = gateways.get(GatewaySlug.MANUAL).describe()
    if not amount.is_finite() or not limits.minimum <= amount <= limits.maximum or amount % limits.smallest_unit:
        message = (
            f"The amount is at least {money.display(limits.minimum, settings.PANEL_CURRENCY)}, in whole units of it."
        )
        raise BadAmount(message, field="amount")
    try:
        with busy_when_locked(), transaction.atomic(durable=True):
            deposit = Deposit.objects.create(
                customer=customer,
                gateway=limits.slug,
                asked=money.exact(amount),
                currency=settings.PANEL_CURRENCY,
                recorded_by=staff,
                created_at=at,
                due_at=at + FIRST_CHECK,
            )
            receipt = Receipt.objects.create(
                key=deposit.key.hex,
                deposit=deposit.pk,
                kind=kind,
                reference=reference.strip()[:200],
                sender=sender.strip()[:300],
                amount=deposit.asked,
                currency=deposit.currency,
                recorded_by=staff,
                recorded_at=at,
            )
            deposit.reference = f"receipt-{receipt.pk}"
            deposit.save(update_fields=["reference"])
    except IntegrityError as error:
        if "receipt_recorded_once" in str(error):
            message = f"A {kind.label.lower()} with the reference {reference.strip()} was recorded before."
            raise AlreadyRecorded(message, field="reference") from error
        raise
    return deposits.refresh(deposit.pk, at=at)
