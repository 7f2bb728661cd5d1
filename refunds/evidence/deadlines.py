"""Tell staff when a dispute has to be answered: 72 and 24 hours before, each once for each deadline."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from billing.models import Dispute
from panel.accounts import holders
from panel.notifications import outbox, staff_letters
from refunds.evidence import access
from refunds.models import DeadlineWarning, DisputeEvidence
from refunds.models.evidence import GONE

WARNED_BEFORE: Final = (24, 72)
"""Hours, the most urgent first. Who comes late hears only of the most urgent."""


def waiting(*, at: datetime, within: timedelta | None = None) -> QuerySet[Dispute]:
    """Return the disputes that the bank still takes evidence for and that have none submitted, by deadline."""
    gone = DisputeEvidence.objects.filter(dispute=OuterRef("pk"), for_appeal=OuterRef("is_appeal"), state__in=GONE)
    found: QuerySet[Dispute] = Dispute.objects.filter(
        ~Exists(gone), standing__in=access.ANSWERABLE, respond_by__gt=at
    ).order_by("respond_by", "pk")
    return found if within is None else found.filter(respond_by__lte=at + within)


def warn_due(*, at: datetime) -> int:
    """Write the letters that are due to the staff who prepare evidence; return how many disputes they are about."""
    near = waiting(at=at, within=timedelta(hours=max(WARNED_BEFORE))).select_related("deposit", "customer")
    return sum(_warn(dispute, at) for dispute in near)


def _warn(dispute: Dispute, at: datetime) -> bool:
    respond_by = dispute.respond_by
    hours = next((hours for hours in WARNED_BEFORE if respond_by and respond_by - at <= timedelta(hours=hours)), None)
    if respond_by is None or hours is None:
        return False
    staff = list(holders.of(access.MAY_PREPARE).exclude(pk=dispute.customer_id).order_by("pk"))
    with transaction.atomic(durable=True):
        if not _note(dispute, hours, at):
            return False
        outbox.put(
            [
                staff_letters.dispute_due(
                    staff=person,
                    dispute=dispute.pk,
                    claim=dispute.claim,
                    respond_by=respond_by,
                    hours=hours,
                    state=_state(dispute),
                    url=reverse("admin:refunds_disputeevidence_of", args=[dispute.pk]),
                )
                for person in staff
            ],
            at=at,
        )
    return True


def _note(dispute: Dispute, hours: int, at: datetime) -> bool:
    """Note the warning; whether it is new. Less urgent ones are past by then. A second sweep waits for the first."""
    key = {"dispute": dispute, "respond_by": dispute.respond_by}
    if DeadlineWarning.objects.filter(**key, hours__lte=hours).exists():
        return False
    _, is_new = DeadlineWarning.objects.get_or_create(**key, hours=hours, defaults={"at": at})
    return is_new


def _state(dispute: Dispute) -> str:
    latest = access.newest(dispute)
    if latest is None or latest.for_appeal != dispute.is_appeal:
        return "No evidence is assembled yet."
    return f"Evidence {latest.number} is {latest.get_state_display().lower()}, and not submitted."
