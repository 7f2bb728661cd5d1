"""What was said and done about a refund request, in order, and the files that came with it. Append-only."""

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from refunds.models.request import LONGEST_TEXT, RefundRequest
from refunds.uploads import MOST_FILES


class RequestEventKind(models.TextChoices):
    """What happened. Those of INTERNAL are for staff alone."""

    OPENED = "opened", "Opened"
    MESSAGE = "message", "Message from the customer"
    QUESTION = "question", "Question to the customer"
    NOTE = "note", "Note for staff"
    CLAIMED = "claimed", "Taken over"
    RELEASED = "released", "Given back to the queue"
    EXPEDITED = "expedited", "Asked to be expedited"
    REFERRED = "referred", "Referred to the provider"
    RECOMMENDED = "recommended", "Recommended to a second person"
    SENT_BACK = "sent_back", "Recommendation sent back"
    ORDER_MOVED = "order_moved", "The order moved"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    SUPERSEDED = "superseded", "Answered by a later report"


INTERNAL = frozenset(
    {
        RequestEventKind.NOTE,
        RequestEventKind.CLAIMED,
        RequestEventKind.RELEASED,
        RequestEventKind.RECOMMENDED,
        RequestEventKind.SENT_BACK,
    }
)


class RefundRequestEvent(models.Model):
    """One step: when, what, by whom (nobody: the system), and the words that go with it."""

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=RequestEventKind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    text = models.TextField(max_length=LONGEST_TEXT, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="request_event_kind_known", condition=Q(kind__in=RequestEventKind.values))
        ]
        indexes = [models.Index(fields=["request", "id"], name="event_of_request")]
        triggers = [pgtrigger.Protect(name="request_event_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text[:60]}"


class RefundFile(models.Model):
    """A picture or PDF that came with a request. Its bytes are in the row: committed with it, the same everywhere."""

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="files", db_index=False)
    position = models.PositiveSmallIntegerField(validators=[MaxValueValidator(MOST_FILES)])
    name = models.CharField(max_length=100)
    content_type = models.CharField(max_length=50)
    size = models.PositiveIntegerField("bytes")
    sha256 = models.CharField("SHA-256", max_length=64)
    content = models.BinaryField()
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint("request", "position", name="request_file_once_a_place"),
            models.CheckConstraint(
                name="request_file_place_sane", condition=Q(position__gte=1, position__lte=MOST_FILES)
            ),
        ]
        triggers = [pgtrigger.Protect(name="request_file_is_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.name
