"""Staff are told of a deadline 72 and 24 hours before it, each once, and of none that needs nothing any more."""

from datetime import datetime, timedelta

import pytest

from billing.models import Dispute
from panel.notifications import rendering
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from refunds.evidence import deadlines
from refunds.models import DeadlineWarning
from tests.admin.pages import clerk
from tests.factories import make_staff, move_dispute
from tests.refunds.evidence import handed

pytestmark = pytest.mark.django_db

PREPARES = "refunds.change_disputeevidence"


def before(dispute: Dispute, hours: float) -> datetime:
    assert dispute.respond_by is not None
    return dispute.respond_by - timedelta(hours=hours)


def told() -> list[tuple[str, str]]:
    """Who was told, and how many hours before."""
    found = Email.objects.filter(template="dispute_due").order_by("pk")
    return [(email.to, email.context["hours"]) for email in found]


def test_warns_at_72_and_at_24_hours_once_each(payments: PaymentsSandbox) -> None:
    person = clerk(PREPARES)
    clerk("refunds.view_disputeevidence")
    dispute = handed.dispute(payments)

    sweeps = [deadlines.warn_due(at=before(dispute, hours)) for hours in (72.1, 72, 50, 24.1, 24, 10, 0.1, 0, -1)]

    assert sweeps == [0, 1, 0, 0, 1, 0, 0, 0, 0]
    assert told() == [(person.email, "72"), (person.email, "24")]


def test_who_comes_late_hears_of_the_most_urgent_alone(payments: PaymentsSandbox) -> None:
    person = clerk(PREPARES)
    dispute = handed.dispute(payments)

    assert [deadlines.warn_due(at=before(dispute, hours)) for hours in (20, 19)] == [1, 0]

    assert told() == [(person.email, "24")]


def test_says_how_far_the_evidence_is_and_where(payments: PaymentsSandbox) -> None:
    clerk(PREPARES)
    evidence = handed.staged(payments)
    dispute = Dispute.objects.get(pk=evidence.dispute_id)

    deadlines.warn_due(at=before(dispute, 70))

    letter = rendering.letter(Email.objects.filter(template="dispute_due").order_by("pk")[0])
    assert letter.subject == f"Dispute {dispute.pk} has to be answered within 72 hours"
    assert "Evidence 1 is staged, and not submitted." in letter.text
    assert f"/admin/refunds/disputeevidence/of/{dispute.pk}/" in letter.text


def test_a_new_deadline_is_warned_of_anew(payments: PaymentsSandbox) -> None:
    dispute = handed.dispute(payments)
    deadlines.warn_due(at=before(dispute, 20))
    later = before(dispute, -48)
    Dispute.objects.filter(pk=dispute.pk).update(respond_by=later)

    assert deadlines.warn_due(at=later - timedelta(hours=20)) == 1
    assert DeadlineWarning.objects.count() == 2


@pytest.mark.broken_books  # the gateway says that it was submitted, and the row is set back as if nobody had asked it
def test_not_of_what_was_submitted(payments: PaymentsSandbox) -> None:
    grace = make_staff()
    evidence = handed.staged(payments, grace)
    dispute = Dispute.objects.get(pk=evidence.dispute_id)
    handed.submit(evidence, grace)
    Dispute.objects.filter(pk=dispute.pk).update(standing="needs_response", respond_by=dispute.respond_by)

    assert deadlines.warn_due(at=before(dispute, 20)) == 0
    assert told() == []


@pytest.mark.parametrize("status", ["won", "lost", "under_review", "prevented"])
def test_not_of_what_needs_no_answer(payments: PaymentsSandbox, status: str) -> None:
    dispute = handed.dispute(payments)
    at = before(dispute, 20)
    move_dispute(payments, dispute, status)

    assert deadlines.warn_due(at=at) == 0
    assert told() == []
