"""Telling those who read of a coming policy that it was withdrawn: once each, some hundreds in a transaction."""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from panel.accounts.models import User
from panel.notifications import outbox, policy_letters
from panel.notifications.models import Email
from refunds import pages
from refunds.announcing import BATCH
from refunds.models import PolicyAnnouncement, PolicyVersion
from refunds.policy import wording

log = structlog.get_logger()


def carry_on(*, at: datetime, limit: int = BATCH) -> int:
    """Look at the next customers of a withdrawn version, and write to those who have a letter; return how many.

    A batch in which nobody has one counts as one, so that 0 means that nothing is left. A version whose letters fail is
    tried again at the next call, and does not keep the others waiting.
    """
    for number in PolicyAnnouncement.objects.filter(_left()).order_by("version").values_list("version", flat=True):
        try:
            looked_at = _write_some(number, at, limit)
        except Exception:  # the log says why, each time
            log.exception("withdrawal_letters_failed", policy_version=number)
            continue
        if looked_at:
            return looked_at
    return 0


def _left() -> Q:
    """Return what finds the announcements of withdrawn versions of which not all who were told know that."""
    return Q(version__withdrawn_at__isnull=False, taken_back_to__lt=F("last_customer"))


def _write_some(number: int, at: datetime, limit: int) -> int:
    """Write to the next customers, unless somebody else is at it. Who writes the first letters holds the same lock."""
    with transaction.atomic(durable=True):
        rows = PolicyAnnouncement.objects.filter(_left(), version=number).select_related("version")
        found = rows.select_for_update(of=("self",), skip_locked=True).first()
        if found is None:
            return 0
        reached = User.objects.filter(pk__gt=found.taken_back_to, pk__lte=found.last_customer).order_by("pk")[:limit]
        people = list(reached)
        keys = {policy_letters.key(number, person.pk): person for person in people if person.is_active}
        told = Email.objects.filter(key__in=keys).values_list("key", flat=True)
        outbox.put([_letter(found.version, keys[key]) for key in sorted(told)], at=at)
        found.taken_back += len(told)
        found.taken_back_to = people[-1].pk if len(people) == limit else found.last_customer
        found.save(update_fields=["taken_back", "taken_back_to"])
        return max(len(told), 1)


def _letter(version: PolicyVersion, customer: User) -> outbox.NewEmail:
    title = wording.fill(version.policy.title, {"panel": settings.PANEL_NAME})
    return policy_letters.policy_withdrawn(
        customer=customer, version_number=version.pk, title=title, page_url=pages.REFUND_POLICY
    )
