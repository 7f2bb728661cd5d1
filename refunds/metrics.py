"""What the refund desk tells the monitoring."""

from collections.abc import Iterable

from django.db.models import Count, Min
from django.utils import timezone

from panel.kernel.metrics import Sample
from refunds.models import RefundRequest


def samples() -> Iterable[Sample]:
    """Count what waits for an answer and what is late; one query over the index of open requests."""
    now = timezone.now()
    found = RefundRequest.objects.filter(RefundRequest.waiting()).aggregate(
        waiting=Count("pk"),
        overdue=Count("pk", filter=RefundRequest.overdue(now)),
        to_confirm=Count("pk", filter=RefundRequest.to_confirm()),
        oldest=Min("due_at", filter=RefundRequest.overdue(now)),
    )
    late = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    yield Sample("makegood_refund_requests_open", "Refund requests that wait for an answer.", found["waiting"])
    yield Sample("makegood_refund_requests_overdue", "Refund requests whose promised time is over.", found["overdue"])
    yield Sample(
        "makegood_refund_requests_to_confirm", "Refund requests that wait for a second person.", found["to_confirm"]
    )
    yield Sample(
        "makegood_refund_requests_oldest_overdue_seconds",
        "For how long the request that is overdue longest has been so.",
        late,
    )
