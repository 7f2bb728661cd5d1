"""Evidence in any state, brought there through the use cases and a running sandbox."""

from datetime import datetime, timedelta

from billing.models import Dispute
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from panel.sandbox.payments.store import Document as Kept
from refunds.evidence import preparing, staging, submitting
from refunds.models import DisputeEvidence
from tests.factories import disputed, make_customer, make_staff, pay_in
from tests.factories.disputes import DISPUTED_AT

MINUTE = timedelta(minutes=1)
LATER = DISPUTED_AT + timedelta(hours=1)


def dispute(payments: PaymentsSandbox, customer: User | None = None) -> Dispute:
    """Return a formal dispute of fifty dollars."""
    return disputed(payments, pay_in(customer or make_customer(), payments, "50"))


def assembled(payments: PaymentsSandbox, staff: User | None = None) -> DisputeEvidence:
    """Return evidence that staff asked for."""
    return preparing.assemble(dispute_id=dispute(payments).pk, staff=staff or make_staff(), at=LATER)


def staged(payments: PaymentsSandbox, staff: User | None = None) -> DisputeEvidence:
    """Return evidence that is staged at the gateway."""
    staff = staff or make_staff()
    return staging.stage(evidence_id=assembled(payments, staff).pk, staff=staff, at=LATER)


def submit(evidence: DisputeEvidence, staff: User, *, at: datetime = LATER) -> DisputeEvidence:
    """Submit evidence as it stands."""
    return submitting.submit(evidence_id=evidence.pk, staff=staff, revision=evidence.revision, at=at)


def at_gateway(payments: PaymentsSandbox) -> Kept:
    """Return the one dispute as the gateway has it."""
    (found,) = payments.disputes()
    return found


def submissions(payments: PaymentsSandbox) -> int:
    """Return how often evidence was submitted, as the gateway counts it."""
    counted: int = at_gateway(payments)["evidence_details"]["submission_count"]
    return counted
