"""Telling customers of a new refund policy: once each, some hundreds in a transaction, however many there are."""

from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from panel.accounts.models import User
from panel.notifications import outbox, policy_letters
from refunds import pages
from refunds.models import PolicyAnnouncement, PolicyVersion
from refunds.policy import wording

log = structlog.get_logger()

BATCH: Final = 500


def ask(version: PolicyVersion, *, staff: User, at: datetime) -> PolicyAnnouncement:
    """Note in the caller's transaction that the version is to be announced; `carry_on` writes the letters."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("announcements are asked for inside the caller's transaction")
    return PolicyAnnouncement.objects.create(version=version, asked_by=staff, asked_at=at)


def carry_on(*, at: datetime, limit: int = BATCH) -> int:
    """Write the next letters of an announcement that is not finished; return how many. Two at once do different ones.

    A version that was withdrawn before all were written is not announced any further. One whose letters fail
    is tried again at the next call, and does not keep the others waiting.
    """
    unfinished = PolicyAnnouncement.objects.filter(finished_at__isnull=True).order_by("version")
    for number in unfinished.values_list("version", flat=True):
        try:
            written = _write_some(number, at, limit)
        except Exception:  # the log says why, each time
            log.exception("announcement_failed", policy_version=number)
            continue
        if written:
            return written
    return 0


def _write_some(number: int, at: datetime, limit: int) -> int:
    """Write the next letters about one version, unless somebody else is at it; return how many."""
    with transaction.atomic(durable=True):
        open_ones = PolicyAnnouncement.objects.filter(version=number, finished_at__isnull=True)
        found = open_ones.select_for_update(of=("self",), skip_locked=True).select_related("version").first()
        if found is None:
            return 0
        version = found.version
        people = [] if version.withdrawn_at else list(_readers(version).filter(pk__gt=found.last_customer)[:limit])
        outbox.put([_letter(version, person) for person in people], at=at)
        if people:
            found.last_customer = people[-1].pk
            found.written += len(people)
        if len(people) < limit:
            found.finished_at = at
        found.save(update_fields=["last_customer", "written", "finished_at"])
        return len(people)


def readers(version: PolicyVersion) -> int:
    """Return to how many customers an announcement of this version goes."""
    return _readers(version).count()


def _readers(version: PolicyVersion) -> QuerySet[User]:
    """Return the customers whose orders the version is for: its group's, or all without a policy of their own."""
    customers = User.objects.filter(is_active=True, is_staff=False).order_by("pk")
    if version.customer_group_id is not None:
        return customers.filter(customer_group=version.customer_group_id)
    own = PolicyVersion.objects.filter(PolicyVersion.started(version.effective_from), customer_group__isnull=False)
    return customers.filter(Q(customer_group__isnull=True) | ~Q(customer_group__in=own.values("customer_group")))


def _letter(version: PolicyVersion, customer: User) -> outbox.NewEmail:
    policy = version.policy
    return policy_letters.policy_changes(
        customer=customer,
        version_number=version.pk,
        title=wording.fill(policy.title, {"panel": settings.PANEL_NAME}),
        summary=wording.fill(policy.summary, {"panel": settings.PANEL_NAME}),
        effective_from=version.effective_from,
        page_url=pages.policy(version.pk),
        changes_url=pages.policy_changes(version.pk),
    )
