"""The blocklist: e-mail addresses that may not sign up, and payment methods whose money is not to be used.

A dispute that bans a customer blocks what he is recognized by, and so do staff; whoever blocks also lifts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from panel.accounts.models import BlockedIdentity, IdentityKind, User
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused

MAY_BLOCK: Final = "accounts.add_blockedidentity"
MAY_LIFT: Final = "accounts.change_blockedidentity"
LONGEST_REASON: Final = 300
_LONGEST_VALUE: Final = 300
_DOTS_DO_NOT_COUNT: Final = frozenset({"gmail.com", "googlemail.com"})


class EmailBlocked(Forbidden):
    """The e-mail address is on the blocklist."""

    code = "email_blocked"

    def __init__(self, refusal: str) -> None:
        """Add to the refusal whom to write to: it may be a mistake."""
        message = f"{refusal} If you think that this is a mistake, write to {settings.SUPPORT_EMAIL}."
        super().__init__(message, field="email")


class NotBlocked(Conflict):
    """There is nothing to lift: it is not blocked, or no longer."""

    code = "not_blocked"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a customer is recognized by; made by `of_email` and `of_method`."""

    kind: IdentityKind
    value: str


def of_email(address: str) -> Identity:
    """Return the identity of an e-mail address: lower case, no `+tag`, and no dots at Gmail, which ignores them."""
    name, at, domain = address.strip().lower().rpartition("@")
    name = name.partition("+")[0] or name
    if domain in _DOTS_DO_NOT_COUNT:
        name, domain = name.replace(".", "") or name, "gmail.com"
    return Identity(IdentityKind.EMAIL, f"{name}{at}{domain}"[:_LONGEST_VALUE])


def of_method(fingerprint: str) -> Identity:
    """Return the identity of a card or bank account by the gateway's fingerprint, which is compared as it is."""
    return Identity(IdentityKind.PAYMENT_METHOD, fingerprint[:_LONGEST_VALUE])


def block(
    identities: Iterable[Identity],
    *,
    customer: User,
    reason: str,
    at: datetime,
    dispute_ref: int | None = None,
    author: User | None = None,
) -> int:
    """Block these identities in the caller's transaction; return how many were new.

    What the same dispute, or staff for the same customer, has blocked already is left as it is.
    """
    _require_transaction()
    before = _live(customer=customer, dispute_ref=dispute_ref).count()
    BlockedIdentity.objects.bulk_create(
        [
            BlockedIdentity(
                kind=identity.kind,
                value=identity.value,
                reason=reason.strip()[:LONGEST_REASON],
                customer=customer,
                dispute_ref=dispute_ref,
                blocked_at=at,
                author=author,
            )
            for identity in identities
            if identity.value
        ],
        ignore_conflicts=True,
    )
    return _live(customer=customer, dispute_ref=dispute_ref).count() - before


def lift(*, dispute_ref: int, because: str, at: datetime, staff: User | None = None) -> int:
    """Lift, in the caller's transaction, exactly what this dispute blocked; return how many that were.

    `staff` is who decided it, if a person did.
    """
    _require_transaction()
    return _lift(_live(dispute_ref=dispute_ref), because, staff, at)


def lift_of_staff(*, customer: User, because: str, staff: User, at: datetime) -> int:
    """Lift, in the caller's transaction, what staff blocked of this customer; what disputes blocked stays."""
    _require_transaction()
    return _lift(_live(customer=customer, dispute_ref=None), because, staff, at)


def lift_one(*, identity_id: int, because: str, staff: User, at: datetime) -> BlockedIdentity:
    """Let staff lift one row, whoever blocked it. Raises Forbidden, Refused without a reason, NotFound, NotBlocked."""
    require_allowed(staff, MAY_LIFT)
    require_reason(because)
    with transaction.atomic(durable=True):
        row: BlockedIdentity | None = BlockedIdentity.objects.select_for_update().filter(pk=identity_id).first()
        if row is None:
            raise NotFound("There is no such blocked identity.")
        if row.customer_id == staff.pk:
            raise Forbidden("Nobody lifts what is blocked of an own account.")
        if not row.is_live:
            raise NotBlocked("It was lifted before.")
        row.lifted_at, row.lifted_by, row.lifted_because = at, staff, because.strip()[:LONGEST_REASON]
        row.save(update_fields=["lifted_at", "lifted_by", "lifted_because"])
    return row


def require_email(address: str) -> None:
    """Raise EmailBlocked when nobody may sign up with this address or change to it."""
    if is_blocked(email=address):
        raise EmailBlocked("This e-mail address can't be used here.")


def is_blocked(*, email: str) -> bool:
    """Whether an e-mail address is blocked, in whatever way it is spelled."""
    return _is_live(of_email(email))


def is_blocked_method(fingerprint: str) -> bool:
    """Whether a payment method is blocked; never for one that the gateway gave no fingerprint of."""
    return bool(fingerprint) and _is_live(of_method(fingerprint))


def is_blocked_method_of_others(fingerprint: str, *, customer: User) -> bool:
    """Whether a payment method is blocked by staff, or because of another customer's dispute."""
    rows = _live(kind=IdentityKind.PAYMENT_METHOD, value=of_method(fingerprint).value)
    return bool(rows.exclude(customer=customer, dispute_ref__isnull=False).exists())


def require_allowed(staff: User, permission: str) -> None:
    """Raise Forbidden unless this person is staff and may do it."""
    if not (staff.is_staff and staff.has_perm(permission)):
        raise Forbidden("You may not change who is blocked.")


def require_reason(reason: str) -> None:
    """Raise Refused when no reason is given."""
    if not reason.strip():
        raise Refused("Say why: whoever looks at this next will read it.", field="reason")


def _live(**whose: object) -> QuerySet[BlockedIdentity]:
    found: QuerySet[BlockedIdentity] = BlockedIdentity.objects.filter(lifted_at__isnull=True, **whose)
    return found


def _is_live(identity: Identity) -> bool:
    return bool(_live(kind=identity.kind, value=identity.value).exists())


def _lift(rows: QuerySet[BlockedIdentity], because: str, staff: User | None, at: datetime) -> int:
    return rows.update(lifted_at=at, lifted_by=staff, lifted_because=because.strip()[:LONGEST_REASON])


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        message = "the blocklist is written inside the caller's transaction"
        raise transaction.TransactionManagementError(message)
