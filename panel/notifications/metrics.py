"""What the outbox tells the monitoring."""

from collections.abc import Iterable

from django.db.models import Count, Min
from django.utils import timezone

from panel.kernel.metrics import Sample
from panel.notifications.models import Email, EmailState


def samples() -> Iterable[Sample]:
    """Count what waits and what failed, and tell for how long the oldest has waited.

    Two queries, each over a partial index: e-mails that were sent are never read.
    """
    waiting = Email.objects.filter(due_at__isnull=False).aggregate(number=Count("pk"), oldest=Min("created_at"))
    age = (timezone.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
    failed = Email.objects.filter(state=EmailState.FAILED).count()
    yield Sample("makegood_emails_pending", "E-mails that wait to be sent or are being sent.", waiting["number"])
    yield Sample("makegood_emails_failed", "E-mails that were given up; staff can send them again.", failed)
    yield Sample("makegood_emails_oldest_pending_seconds", "For how long the oldest e-mail has waited.", max(age, 0.0))
