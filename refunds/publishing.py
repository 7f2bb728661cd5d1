"""Policy versions: put one in force, take one back before it starts, and know which is in force for whom."""

import functools
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from orders.models import Category, Order, Service
from panel.accounts.models import CustomerGroup, User
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused
from refunds import moments
from refunds.models import PolicyState, PolicyVersion
from refunds.policy import analysis, loader
from refunds.policy.document import Policy

SHIPPED = Path(__file__).parent / "policies"
MAY_PUBLISH = "refunds.publish_policyversion"
LAST_CALL = timedelta(minutes=1)
_PUBLISHING_LOCK = 7_301_001


class NoPolicyInForce(Refused):
    """Nothing can be ordered before a policy is published."""

    code = "no_policy_in_force"


class NotPublishable(Refused):
    """The document fails its proof, names what the panel does not have, or starts before the version in force."""

    code = "policy_not_publishable"


class AlreadyPublished(Conflict):
    """The newest version of this policy is this very document, in force or scheduled."""

    code = "policy_already_published"


class HasStarted(Conflict):
    """A version that orders are placed under can't be taken back."""

    code = "policy_has_started"


@dataclass(frozen=True, slots=True)
class Publication:
    """Who put a document in force: its author, and the second person. Both are None on the server's command line."""

    author: User | None = None
    by: User | None = None


def publish(*, text: str, source: str, effective_from: datetime, at: datetime) -> PolicyVersion:
    """Store a document as the next version of its policy, in force from `effective_from`.

    For whoever runs the server, who answers for the four eyes; staff publish drafts (`refunds.drafting.publish`).

    Raises loader.PolicyInvalid, NotPublishable, AlreadyPublished.
    """
    policy = proved(text, source)
    with transaction.atomic(durable=True):
        return put_in_force(policy, effective_from=effective_from, publication=Publication(), at=at)


def publish_first(*, at: datetime) -> PolicyVersion | None:
    """Publish the shipped policy named by `REFUND_POLICY` unless there is one already; return it when it was new."""
    with transaction.atomic(durable=True):
        take_turns()
        if PolicyVersion.objects.exists():
            return None
        path = SHIPPED / f"{settings.REFUND_POLICY}.toml"
        policy = loader.loads(path.read_text(encoding="utf-8"), source=path.name)
        return _insert(policy, None, at, at, Publication())


def proved(text: str, source: str) -> Policy:
    """Return the policy of a document that may be published. Raises loader.PolicyInvalid, NotPublishable."""
    policy = loader.loads(text, source=source)
    if not analysis.prove(policy).passed:
        message = f"{source} does not pass its proof; `check_policy` shows why."
        raise NotPublishable(message)
    return policy


def put_in_force(policy: Policy, *, effective_from: datetime, publication: Publication, at: datetime) -> PolicyVersion:
    """Insert a proved policy as the next version, in the caller's transaction.

    Raises NotPublishable, AlreadyPublished.
    """
    require_start(effective_from, at)
    take_turns()
    if unknown := unknown_names(policy):
        raise NotPublishable(" ".join(unknown))
    group = CustomerGroup.objects.filter(slug=policy.customer_group).first()
    newest = PolicyVersion.objects.filter(customer_group=group, withdrawn_at__isnull=True).first()
    if newest and effective_from < newest.effective_from:
        message = f"{newest} already starts later, at {newest.effective_from:%Y-%m-%d %H:%M} UTC."
        raise NotPublishable(message, field="effective_from")
    if newest and newest.slug == policy.slug and newest.hash == policy.hash:
        message = f"{newest} is this document already."
        raise AlreadyPublished(message)
    return _insert(policy, group, effective_from, at, publication)


def require_start(effective_from: datetime, at: datetime) -> None:
    """Refuse a time at which no policy can start. Raises NotPublishable."""
    if effective_from < at:
        raise NotPublishable("A policy starts now or later, never in the past.", field="effective_from")
    if effective_from > at + moments.AHEAD or not moments.is_readable(effective_from):
        raise NotPublishable("A policy starts within five years from now.", field="effective_from")


def take_turns() -> None:
    """Let one publisher at a time decide numbers and the order of effective dates; taken before any row is locked."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("policies are published inside the caller's transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PUBLISHING_LOCK])


def unknown_names(policy: Policy) -> list[str]:
    """Return a sentence for each name that the panel does not have: its group, and what its scopes name."""
    found = []
    slug = policy.customer_group
    if slug and not CustomerGroup.objects.filter(slug=slug).exists():
        found.append(f"There is no customer group {slug!r}; make it first, or correct customer_group.")
    for scope in policy.scopes.all:
        categories = set(scope.categories) - set(Category.objects.in_bulk(scope.categories))
        services = set(scope.services) - set(Service.objects.in_bulk(scope.services))
        found += [f"Scope {scope.id} names category {one}, which there is not." for one in sorted(categories)]
        found += [f"Scope {scope.id} names service {one}, which there is not." for one in sorted(services)]
    return found


def withdraw(*, version_id: int, staff: User, at: datetime) -> PolicyVersion:
    """Take back a version that has not started; the one before it stays in force. One person is enough to be careful.

    In the last minute it is too late: locks are waited for, and clocks differ, so an order might carry it already.

    Raises Forbidden, NotFound, HasStarted.
    """
    if not (staff.is_staff and staff.is_active and staff.has_perm(MAY_PUBLISH)):
        raise Forbidden("Your account may not publish or withdraw refund policies.")
    with transaction.atomic(durable=True):
        take_turns()
        found = PolicyVersion.objects.select_for_update(no_key=True).filter(pk=version_id).first()
        if found is None:
            raise NotFound("There is no such policy version.")
        if found.withdrawn_at is not None:
            raise HasStarted(f"{found} is withdrawn already.")
        if found.effective_from <= at + _spent_in_transaction() + LAST_CALL:
            raise HasStarted(f"{found} has started, or does within a minute. Publish another one instead.")
        if Order.objects.filter(placed_at__gte=found.effective_from, policy_version=found.pk).exists():
            raise HasStarted(f"{found} has orders that were placed under it. Publish another one instead.")
        found.withdrawn_at, found.withdrawn_by = at, staff
        found.save(update_fields=["withdrawn_at", "withdrawn_by"])
        return found


def version_in_force(at: datetime, group: int | None = None) -> PolicyVersion:
    """Return the version that orders placed at `at` carry, by customers of the group with this number or of none.

    A group's own version goes before the general one; otherwise the last one that has taken effect counts.

    Raises NoPolicyInForce.
    """
    version = in_force(at, group).first()
    if version is None:
        raise NoPolicyInForce("No refund policy is in force yet; run `manage.py publish_policy`.")
    return version


def in_force(at: datetime, group: int | None = None) -> QuerySet[PolicyVersion]:
    """Return the versions that count for a group at `at`, the one in force first."""
    started = PolicyVersion.objects.filter(PolicyVersion.started(at))
    if group is None:
        return started.filter(customer_group__isnull=True)
    mine = started.filter(Q(customer_group__isnull=True) | Q(customer_group=group))
    return mine.order_by(F("customer_group").asc(nulls_last=True), "-effective_from", "-id")


def before(version: PolicyVersion) -> PolicyVersion | None:
    """Return the version that this one followed for the same customers; for a group's first one, the general one."""
    earlier = PolicyVersion.objects.filter(
        Q(effective_from__lt=version.effective_from) | Q(effective_from=version.effective_from, pk__lt=version.pk),
        withdrawn_at__isnull=True,
    )
    same = earlier.filter(customer_group=version.customer_group_id).first()
    return same or earlier.filter(customer_group__isnull=True).first()


def state_of(version: PolicyVersion, at: datetime) -> PolicyState:
    """Say where a version stands, among those of its own group."""
    if version.withdrawn_at is not None:
        return PolicyState.WITHDRAWN
    if version.effective_from > at:
        return PolicyState.SCHEDULED
    newest = PolicyVersion.objects.filter(PolicyVersion.started(at), customer_group=version.customer_group_id).first()
    return PolicyState.IN_FORCE if newest == version else PolicyState.SUPERSEDED


@functools.lru_cache(maxsize=1024)
def version(version_id: int) -> PolicyVersion:
    """Return a version by its number; kept in memory, because what it says never changes."""
    return PolicyVersion.objects.get(pk=version_id)


def _spent_in_transaction() -> timedelta:
    """Return how long the transaction has run, waits for locks included, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() - now()")
        ((spent,),) = cursor.fetchall()
        return timedelta(seconds=spent.total_seconds())


def _insert(
    policy: Policy, group: CustomerGroup | None, effective_from: datetime, at: datetime, publication: Publication
) -> PolicyVersion:
    number = PolicyVersion.objects.filter(slug=policy.slug).count() + 1
    return PolicyVersion.objects.create(
        slug=policy.slug,
        number=number,
        title=policy.title,
        text=policy.text,
        hash=policy.hash,
        customer_group=group,
        effective_from=effective_from,
        published_at=at,
        author=publication.author,
        published_by=publication.by,
    )
