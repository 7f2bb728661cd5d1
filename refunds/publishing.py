"""Policy versions: publish one, and know which is in force."""

import functools
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from panel.accounts.models import User
from panel.kernel.errors import Conflict, Refused
from refunds.models import PolicyVersion
from refunds.policy import analysis, loader
from refunds.policy.document import Policy

SHIPPED = Path(__file__).parent / "policies"
_PUBLISHING_LOCK = 7_301_001


class NoPolicyInForce(Refused):
    """Nothing can be ordered before a policy is published."""

    code = "no_policy_in_force"


class NotPublishable(Refused):
    """The document fails its proof or starts before the version in force."""

    code = "policy_not_publishable"


class AlreadyPublished(Conflict):
    """The newest version of this policy is this very document, in force or scheduled."""

    code = "policy_already_published"


def publish(
    *, text: str, source: str, effective_from: datetime, at: datetime, author: User | None = None
) -> PolicyVersion:
    """Store a document as the next version of its policy, in force from `effective_from`.

    Raises loader.PolicyInvalid, NotPublishable, AlreadyPublished.
    """
    policy = loader.loads(text, source=source)
    report = analysis.prove(policy)
    if not report.passed:
        message = f"{source} does not pass its proof; `check_policy` shows why."
        raise NotPublishable(message)
    if effective_from < at:
        raise NotPublishable("A policy starts now or later, never in the past.", field="effective_from")
    with transaction.atomic(durable=True):
        _serialize_publishing()
        newest = PolicyVersion.objects.first()
        if newest and effective_from < newest.effective_from:
            message = f"{newest} already starts later, at {newest.effective_from:%Y-%m-%d %H:%M} UTC."
            raise NotPublishable(message, field="effective_from")
        if newest and newest.slug == policy.slug and newest.hash == policy.hash:
            message = f"{newest} is this document already."
            raise AlreadyPublished(message)
        return _insert(policy, text, effective_from, author)


def publish_first(*, at: datetime) -> PolicyVersion | None:
    """Publish the shipped policy named by `REFUND_POLICY` unless there is one already; return it when it was new."""
    with transaction.atomic(durable=True):
        _serialize_publishing()
        if PolicyVersion.objects.exists():
            return None
        path = SHIPPED / f"{settings.REFUND_POLICY}.toml"
        text = path.read_text(encoding="utf-8")
        return _insert(loader.loads(text, source=path.name), text, at, None)


def version_in_force(at: datetime) -> PolicyVersion:
    """Return the version that orders placed at `at` carry: the last one that has taken effect.

    Raises NoPolicyInForce.
    """
    version = PolicyVersion.objects.filter(effective_from__lte=at).first()
    if version is None:
        raise NoPolicyInForce("No refund policy is in force yet; run `manage.py publish_policy`.")
    return version


@functools.lru_cache(maxsize=1024)
def version(version_id: int) -> PolicyVersion:
    """Return a version by its number; kept in memory, because versions never change."""
    return PolicyVersion.objects.get(pk=version_id)


def _insert(policy: Policy, text: str, effective_from: datetime, author: User | None) -> PolicyVersion:
    number = PolicyVersion.objects.filter(slug=policy.slug).count() + 1
    return PolicyVersion.objects.create(
        slug=policy.slug,
        number=number,
        title=policy.title,
        text=text,
        hash=policy.hash,
        effective_from=effective_from,
        published_by=author,
    )


def _serialize_publishing() -> None:
    """Take turns: numbers and the order of effective dates are decided one publisher at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PUBLISHING_LOCK])
