"""The only leg of Ada's withdrawal while it is being sent, and what its gateway answers about it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from billing.gateways.base import GatewayError, RefundReport, RefundStanding
from billing.models import WithdrawalLeg
from billing.sending import claims, outcomes
from billing.sending.calls import Outcome
from billing.sending.claims import Claim, Step
from panel.accounts.models import User
from panel.notifications.models import Email
from tests.factories.orders import AT
from tests.factories.payments import HOUR, receive_by_hand, withdraw
from tests.factories.people import make_customer

SENT = AT + HOUR

# What Ada's balances say while the leg is under way, after it was paid, and after it failed.
HELD = {"available": "30.00", "held": "20.00"}
GONE = {"available": "30.00"}
BACK = {"available": "50.00"}


def begin_sending() -> tuple[User, Claim]:
    """Give Ada 50.00 and a withdrawal of 20.00, and claim its leg for sending at `SENT`."""
    ada = make_customer()
    receive_by_hand(ada, "50")
    withdraw(ada, "20")
    claim = claim_one(at=SENT)
    assert claim.step == Step.SEND
    return ada, claim


def claim_one(*, at: datetime) -> Claim:
    """Claim what is due, which is one leg."""
    (claim,) = claims.claim_due(limit=10, at=at)
    return claim


def report(claim: Claim, standing: RefundStanding, **changed: Any) -> RefundReport:
    """Return what a gateway says of the refund that was claimed, some of it changed."""
    said = RefundReport(
        reference="re_1",
        leg=claim.leg_id,
        attempt=claim.request.attempt,
        standing=standing,
        amount=claim.request.amount,
        currency="USD",
        payment_reference=claim.request.payment_reference,
        bank_reference="7423",
        status=standing.value,
    )
    return replace(said, **changed)


def record(claim: Claim, found: RefundReport | GatewayError, *, at: datetime = SENT) -> WithdrawalLeg:
    """Record one answer, and return the leg as it is then."""
    outcomes.record([Outcome(claim, found)], at=at)
    return leg_of(claim)


def leg_of(claim: Claim) -> WithdrawalLeg:
    """Read the leg that was claimed, as it is now."""
    return WithdrawalLeg.objects.select_related("withdrawal", "deposit").get(pk=claim.leg_id)


def letters_since() -> list[str]:
    """Return the letters written since the sending began; the receipt and the promise were written before."""
    return list(Email.objects.order_by("id").values_list("template", flat=True))[2:]
