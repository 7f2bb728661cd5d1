"""The gateway by hand: staff record what arrived (bank, wallet, crypto), and carry out and confirm payouts.

Its rows (billing.models.by_hand) stand for the other side's books: `refund` only writes down what is to be paid, and a
member of staff confirms it later. So everything else treats it as any gateway that takes its time.
"""

import functools
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.gateways.base import (
    BadNotice,
    DepositReport,
    DepositRequest,
    DepositStanding,
    Description,
    DisputeReport,
    FraudWarningReport,
    Method,
    Movement,
    MovementKind,
    Notice,
    OpenedDeposit,
    RefundReport,
    RefundRequest,
    RefundStanding,
    Refusal,
    Refused,
)
from billing.gateways.evidence import Evidence, Upload
from billing.models import GatewaySlug, House, Payout, PayoutState, Receipt
from panel.kernel import currencies

_STANDING = {
    PayoutState.WAITING: RefundStanding.TO_DO,
    PayoutState.CONFIRMED: RefundStanding.PAID,
    PayoutState.FAILED: RefundStanding.FAILED,
}


class Manual:
    """See the module and `billing.gateways.base.Gateway`."""

    def describe(self) -> Description:
        """Say what it is; staff may record any amount that the panel can keep."""
        return Description(
            slug=GatewaySlug.MANUAL.value,
            label=GatewaySlug.MANUAL.label,
            clearing=House.MANUAL_CLEARING,
            opens_online=False,
            smallest_unit=currencies.smallest_unit(settings.PANEL_CURRENCY),
            minimum=currencies.smallest_unit(settings.PANEL_CURRENCY),
            maximum=Decimal(1_000_000),
            refund_window=None,
            bank_days=(1, 5),
            key_memory=timedelta.max,
            is_remote=False,
        )

    def open_deposit(self, request: DepositRequest) -> OpenedDeposit:
        """Point to the receipt that staff recorded under this key. Raises Refused(NOT_OFFERED) when there is none."""
        receipt = Receipt.objects.filter(key=request.key).first()
        if receipt is None:
            raise Refused("Deposits by hand are recorded by staff.", refusal=Refusal.NOT_OFFERED)
        return OpenedDeposit(reference=f"receipt-{receipt.pk}", checkout_url="", expires_at=timezone.now())

    def fetch_deposit(self, reference: str) -> DepositReport:
        """Report the recorded receipt as paid. Raises Refused(NOT_FOUND)."""
        number = reference.removeprefix("receipt-")
        receipt = Receipt.objects.filter(pk=int(number)).first() if number.isdecimal() else None
        if receipt is None:
            message = f"There is no receipt {reference}."
            raise Refused(message, refusal=Refusal.NOT_FOUND)
        return _deposit_report(receipt)

    def refund(self, request: RefundRequest) -> RefundReport:
        """Write the payout down for staff. The same key again changes nothing; another content is Refused."""
        receipt = _receipt_of(request.payment_reference) if request.payment_reference else None
        destination = request.destination or (f"{receipt.get_kind_display()}: {receipt.sender}" if receipt else "")
        if not destination:
            raise Refused("The payment to give back is not recorded.", refusal=Refusal.NOT_FOUND)
        with transaction.atomic():
            payout, _ = Payout.objects.get_or_create(
                key=request.key,
                defaults={
                    "leg": request.leg,
                    "attempt": request.attempt,
                    "receipt": receipt,
                    "destination": destination,
                    "amount": request.amount,
                    "currency": request.currency,
                    "created_at": timezone.now(),
                },
            )
        if (payout.leg, payout.amount) != (request.leg, request.amount):
            raise Refused("This key was used for another payout.", refusal=Refusal.KEY_REUSED)
        return _refund_report(payout)

    def fetch_refund(self, reference: str) -> RefundReport:
        """Report how far staff have got. Raises Refused(NOT_FOUND)."""
        number = reference.removeprefix("payout-")
        payout = Payout.objects.select_related("receipt").filter(pk=int(number)).first() if number.isdecimal() else None
        if payout is None:
            message = f"There is no payout {reference}."
            raise Refused(message, refusal=Refusal.NOT_FOUND)
        return _refund_report(payout)

    def find_refund(self, request: RefundRequest) -> RefundReport | None:
        """Look the payout up by its leg and attempt."""
        payout = Payout.objects.select_related("receipt").filter(leg=request.leg, attempt=request.attempt).first()
        return _refund_report(payout) if payout else None

    def refunds_of(self, payment_reference: str) -> list[RefundReport]:
        """Return the payouts of a receipt."""
        receipt = _receipt_of(payment_reference)
        return [_refund_report(payout) for payout in receipt.payouts.select_related("receipt")] if receipt else []

    def find_deposit(self, payment_reference: str) -> DepositReport | None:
        """Return the receipt as a deposit."""
        receipt = _receipt_of(payment_reference)
        return _deposit_report(receipt) if receipt else None

    def fetch_dispute(self, reference: str) -> DisputeReport:
        """Refuse: no bank disputes what was paid by hand. Raises Refused(NOT_FOUND)."""
        message = f"There is no dispute {reference}: payments by hand are not disputed through a gateway."
        raise Refused(message, refusal=Refusal.NOT_FOUND)

    def disputes(self, since: datetime) -> Iterator[DisputeReport]:
        """Yield nothing, for the same reason."""
        del since
        return iter(())

    def upload_evidence(self, upload: Upload) -> str:
        """Refuse, for the same reason. Raises Refused(NOT_OFFERED)."""
        del upload
        raise _no_disputes()

    def stage_evidence(self, evidence: Evidence) -> DisputeReport:
        """Refuse, for the same reason. Raises Refused(NOT_OFFERED)."""
        del evidence
        raise _no_disputes()

    def submit_evidence(self, evidence: Evidence) -> DisputeReport:
        """Refuse, for the same reason. Raises Refused(NOT_OFFERED)."""
        del evidence
        raise _no_disputes()

    def fetch_fraud_warning(self, reference: str) -> FraudWarningReport:
        """Refuse: no card issuer warns of what was paid by hand. Raises Refused(NOT_FOUND)."""
        message = f"There is no fraud warning {reference}: nobody warns of payments by hand."
        raise Refused(message, refusal=Refusal.NOT_FOUND)

    def fraud_warnings(self, since: datetime) -> Iterator[FraudWarningReport]:
        """Yield nothing, for the same reason."""
        del since
        return iter(())

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """Yield receipts and confirmed payouts."""
        for receipt in Receipt.objects.filter(recorded_at__gte=since, recorded_at__lt=until).iterator():
            reference = _payment_reference(receipt)
            yield Movement(
                reference=reference,
                kind=MovementKind.PAYMENT,
                source=reference,
                payment_reference=reference,
                amount=receipt.amount,
                currency=receipt.currency,
                at=receipt.recorded_at,
            )
        confirmed = Q(state=PayoutState.CONFIRMED, decided_at__gte=since, decided_at__lt=until)
        for payout in Payout.objects.select_related("receipt").filter(confirmed).iterator():
            reference = f"payout-{payout.pk}"
            yield Movement(
                reference=reference,
                kind=MovementKind.REFUND,
                source=reference,
                payment_reference=_payment_reference(payout.receipt) if payout.receipt else "",
                amount=-payout.amount,
                currency=payout.currency,
                at=payout.decided_at or payout.created_at,
            )

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """Refuse: nobody sends webhooks for what is done by hand."""
        del body, signature
        raise BadNotice("There are no webhooks for deposits by hand.")


@functools.cache
def gateway() -> Manual:
    """Return the gateway; it holds no state."""
    return Manual()


def _no_disputes() -> Refused:
    return Refused("Payments by hand are not disputed through a gateway.", refusal=Refusal.NOT_OFFERED)


def _payment_reference(receipt: Receipt) -> str:
    return f"receipt-{receipt.pk}"


def _receipt_of(payment_reference: str) -> Receipt | None:
    number = payment_reference.removeprefix("receipt-")
    return Receipt.objects.filter(pk=int(number)).first() if number.isdecimal() else None


def _deposit_report(receipt: Receipt) -> DepositReport:
    return DepositReport(
        reference=f"receipt-{receipt.pk}",
        deposit=receipt.deposit,
        standing=DepositStanding.PAID,
        received=receipt.amount,
        currency=receipt.currency,
        payment_reference=_payment_reference(receipt),
        method=Method(kind=receipt.kind),
        status="recorded",
    )


def _refund_report(payout: Payout) -> RefundReport:
    return RefundReport(
        reference=f"payout-{payout.pk}",
        leg=payout.leg,
        attempt=payout.attempt,
        standing=_STANDING[PayoutState(payout.state)],
        amount=payout.amount,
        currency=payout.currency,
        payment_reference=_payment_reference(payout.receipt) if payout.receipt else "",
        bank_reference=payout.bank_reference,
        status=payout.state,
        # One payout that went wrong, by a mistyped number for one, says nothing about the method.
        refusal=Refusal.OTHER if payout.state == PayoutState.FAILED else None,
        failure=payout.failure,
        reason=payout.failure,
    )
