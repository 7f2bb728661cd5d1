"""Deposits: open one at a gateway, and credit what arrived, once.

The return page, the webhook and the poller all end in `record`, which moves a deposit forward only. So it does not
matter who learns first that it was paid, or how often.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from billing import blocked_methods, debts, gateways, ledger, pages
from billing.gateways.base import (
    DepositReport,
    DepositRequest,
    DepositStanding,
    Gateway,
    GatewayError,
    OutcomeUnknown,
    TryLater,
)
from billing.gateways.base import Refused as GatewayRefused
from billing.models import Deposit, DepositState, TransferKind
from panel.accounts import blocklist, suspension
from panel.accounts.blocklist import EmailBlocked
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Conflict, NotFound, Refused
from panel.locking import busy_when_locked
from panel.notifications import letters, outbox

log = structlog.get_logger()

MOST_UNPAID_AN_HOUR: Final = 20
# A deposit that the gateway never heard of is over after this long: nobody was ever shown where to pay.
_OPENING_LASTS: Final = timedelta(hours=1)
FIRST_CHECK: Final = timedelta(minutes=2)
_LONGEST_BETWEEN_CHECKS: Final = timedelta(hours=1)

_REPORTED: Final = (
    "state", "reference", "gateway_words", "failure", "method_kind", "method_brand", "method_last4",
    "method_fingerprint", "amount", "payment_reference", "paid_at", "due_at",
)  # fmt: skip

_STATES: Final = {
    DepositStanding.OPEN: DepositState.OPEN,
    DepositStanding.DELAYED: DepositState.DELAYED,
    DepositStanding.PAID: DepositState.PAID,
    DepositStanding.FAILED: DepositState.FAILED,
    DepositStanding.EXPIRED: DepositState.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class _Accepted:
    """Which refund policy the customer accepted, and where from."""

    policy_version: int | None
    address: str | None


class BadAmount(Refused):
    """The amount is not one that can be paid in."""

    code = "bad_deposit_amount"


class NotOffered(Refused):
    """This panel takes no payments online."""

    code = "deposits_not_offered"


class TooMany(Conflict):
    """More deposits were opened and left unpaid than a person would."""

    code = "too_many_deposits"


class NotNow(Conflict):
    """The gateway did not answer; nothing was paid, and the same form may be sent again."""

    code = "gateway_not_answering"


class NotKnown(NotFound):
    """The gateway speaks of a deposit that we don't know, or don't know yet."""

    code = "deposit_not_known"


def gateway_for(amount: Decimal) -> Gateway:
    """Return the online gateway, where this amount can be paid in. Raises BadAmount, NotOffered when there is none."""
    gateway = gateways.online()
    if gateway is None:
        message = f"Paying in online is not set up. Please write to {settings.SUPPORT_EMAIL}."
        raise NotOffered(message)
    limits = gateway.describe()
    if not amount.is_finite() or not limits.minimum <= amount <= limits.maximum:
        low, high = (money.display(limit, settings.PANEL_CURRENCY) for limit in (limits.minimum, limits.maximum))
        message = f"Add at least {low} and at most {high}."
        raise BadAmount(message, field="amount")
    if amount % limits.smallest_unit:
        message = f"Use whole units of {money.display(limits.smallest_unit, settings.PANEL_CURRENCY)}."
        raise BadAmount(message, field="amount")
    return gateway


def open(  # noqa: A001 - read at call sites as deposits.open
    *,
    customer: User,
    amount: Decimal,
    key: UUID,
    page_url: str,
    policy_version: int | None,
    address: str | None = None,
    at: datetime,
) -> Deposit:
    """Open a deposit of `amount`; the customer pays at its `checkout_url`. The same `key` again returns the same one.

    `page_url` is the deposit's own page, where the customer comes back to; `policy_version` is the one that he saw, and
    `address` where he accepted it from, if that is known. Both stay those of the first call with the `key`.

    Raises BadAmount, NotOffered, TooMany, NotNow, Conflict (key used for another deposit), AccountSuspended,
    EmailBlocked (the customer's own address was blocked since he signed up).
    """
    gateway = gateway_for(amount)
    slug = gateway.describe().slug
    accepted = _Accepted(policy_version, address)
    deposit = _intend(customer, money.exact(amount), slug, key, accepted, at)
    if deposit.state != DepositState.OPENING:
        return deposit
    request = DepositRequest(
        key=deposit.key.hex,
        deposit=deposit.pk,
        amount=deposit.asked,
        currency=deposit.currency,
        customer_email=customer.email,
        description=f"{settings.PANEL_NAME} balance",
        return_url=page_url,
        cancel_url=page_url,
    )
    try:
        opened = gateway.open_deposit(request)
    except (TryLater, OutcomeUnknown) as error:
        log.warning("deposit_not_opened", deposit=deposit.pk, error=error.message)
        raise NotNow("The payment page could not be reached. Nothing was charged; please try again.") from error
    except GatewayRefused as error:
        log.exception("deposit_refused", deposit=deposit.pk)
        raise NotNow("The payment page could not be opened. Nothing was charged; please contact support.") from error
    with busy_when_locked(), transaction.atomic(durable=True):
        deposit = Deposit.objects.locked().get(pk=deposit.pk)
        if deposit.state == DepositState.OPENING:
            deposit.state = DepositState.OPEN
            deposit.reference = opened.reference
            deposit.checkout_url = opened.checkout_url
            deposit.expires_at = opened.expires_at
            deposit.due_at = at + FIRST_CHECK
            deposit.save(update_fields=["state", "reference", "checkout_url", "expires_at", "due_at"])
    return deposit


def refresh(deposit_id: int, *, at: datetime) -> Deposit:
    """Ask the gateway about a deposit and record what it says; a gateway that can't say is asked again later."""
    deposit = Deposit.objects.get(pk=deposit_id)
    if deposit.reference is None:
        return _let_go(deposit_id, at)
    try:
        report = gateways.get(deposit.gateway).fetch_deposit(deposit.reference)
    except GatewayError as error:
        log.warning("deposit_not_fetched", deposit=deposit.pk, error=error.message)
        return ask_again(deposit_id, at=at)
    return record(report, gateway=deposit.gateway, at=at)


def refresh_by_reference(reference: str, *, gateway: str, at: datetime) -> Deposit:
    """Read a deposit anew at the gateway, because it said that something happened, and record it.

    Raises NotKnown, GatewayError.
    """
    return record(gateways.get(gateway).fetch_deposit(reference), gateway=gateway, at=at)


def ask_again(deposit_id: int, *, at: datetime) -> Deposit:
    """Ask the gateway about a deposit another time, as long as it can still change. Raises Busy."""
    with busy_when_locked(), transaction.atomic(durable=True):
        deposit: Deposit = Deposit.objects.locked().get(pk=deposit_id)
        _schedule(deposit, at)
        deposit.save(update_fields=["due_at"])
        return deposit


def record(report: DepositReport, *, gateway: str, at: datetime) -> Deposit:
    """Apply what a gateway says of a deposit: move it forward and, once, credit what was received.

    Raises NotKnown when it is not ours, or not ours yet.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        deposit = _find(report, gateway)
        state = _state_by(report, deposit)
        if not DepositState(deposit.state).may_become(state):
            _schedule(deposit, at)
            deposit.save(update_fields=["due_at"])
            return deposit
        deposit.state = state
        deposit.reference = report.reference
        deposit.gateway_words = report.status[:100]
        deposit.failure = report.failure[:300]
        deposit.method_kind = report.method.kind[:40]
        deposit.method_brand = report.method.brand[:40]
        deposit.method_last4 = report.method.last4[:8]
        deposit.method_fingerprint = report.method.fingerprint[:100]
        if state == DepositState.PAID:
            deposit.amount = money.exact(report.received)
            deposit.payment_reference = report.payment_reference
            deposit.paid_at = at
        _schedule(deposit, at)
        deposit.save(update_fields=_REPORTED)
        if state == DepositState.PAID:
            blocked_methods.look_at(deposit, at=at)
            _credit(deposit, at)
        elif state == DepositState.FAILED:
            _tell_of_failure(deposit, at)
        return deposit


def _intend(customer: User, amount: Decimal, slug: str, key: UUID, accepted: _Accepted, at: datetime) -> Deposit:
    with busy_when_locked(), transaction.atomic(durable=True):
        found: Deposit | None = Deposit.objects.filter(key=key).first()
        if found is None:
            # One at a time, so that the cap holds.
            owner = User.objects.select_for_update(no_key=True).get(pk=customer.pk)
            suspension.require_active_now(customer.pk)
            if blocklist.is_blocked(email=owner.email):
                raise EmailBlocked("Your e-mail address is blocked here, so no funds can be added.")
            unpaid = Deposit.objects.filter(customer=customer, created_at__gt=at - timedelta(hours=1))
            if unpaid.exclude(state=DepositState.PAID).count() >= MOST_UNPAID_AN_HOUR:
                raise TooMany("You opened many payments and left them. Please wait an hour or contact support.")
            found, _ = Deposit.objects.get_or_create(
                key=key,
                defaults={
                    "customer": customer,
                    "gateway": slug,
                    "asked": amount,
                    "currency": settings.PANEL_CURRENCY,
                    "policy_version": accepted.policy_version,
                    "opened_from": accepted.address,
                    "created_at": at,
                    "due_at": at + _OPENING_LASTS,
                },
            )
    if (found.customer_id, found.asked, found.gateway) != (customer.pk, amount, slug):
        raise Conflict("This form was used for another payment. Please open the page again.")
    return found


def _find(report: DepositReport, gateway: str) -> Deposit:
    """Lock the deposit by the gateway's reference or, before that is stored, by our number in its metadata."""
    ours = Deposit.objects.locked().filter(gateway=gateway)
    deposit: Deposit | None = ours.filter(reference=report.reference).first()
    if deposit is None and report.deposit is not None:
        deposit = ours.filter(pk=report.deposit, reference__isnull=True).first()
    if deposit is None:
        message = f"{report.reference} is no deposit of this panel."
        raise NotKnown(message)
    return deposit


def _state_by(report: DepositReport, deposit: Deposit) -> DepositState:
    """Return the state that the report stands for; what makes no sense as money waits for a person, uncredited."""
    strange = report.currency.upper() != deposit.currency or report.received <= 0 or not report.payment_reference
    if report.standing == DepositStanding.PAID and strange:
        log.error("deposit_makes_no_sense", deposit=deposit.pk, currency=report.currency, received=str(report.received))
        return DepositState.DELAYED
    return _STATES[report.standing]


def _credit(deposit: Deposit, at: datetime) -> None:
    customer = User.objects.get(pk=deposit.customer_id)
    clearing = gateways.get(deposit.gateway).describe().clearing
    wallet = ledger.lock_wallets([customer.pk])[customer.pk]
    ledger.post(
        [
            ledger.NewTransfer(
                key=f"deposit:{deposit.pk}",
                kind=TransferKind.DEPOSIT,
                debit=clearing.value,
                credit=wallet.available_id,
                amount=deposit.amount,
                customer_id=customer.pk,
                deposit_id=deposit.pk,
            )
        ],
        at=at,
    )
    debts.pay_first({customer.pk: f"deposit:{deposit.pk}:debt"}, at=at)
    letter = letters.deposit_receipt(
        customer=customer,
        deposit_number=deposit.pk,
        amount=deposit.amount,
        asked=deposit.asked,
        method=deposit.method,
        paid_at=at,
        balance_url=pages.BALANCE,
    )
    outbox.put([letter], at=at)


def _tell_of_failure(deposit: Deposit, at: datetime) -> None:
    customer = User.objects.get(pk=deposit.customer_id)
    letter = letters.deposit_failed(
        customer=customer,
        deposit_number=deposit.pk,
        amount=deposit.asked,
        method=deposit.method,
        reason=deposit.failure,
        add_url=pages.ADD_FUNDS,
    )
    outbox.put([letter], at=at)


def _schedule(deposit: Deposit, at: datetime) -> None:
    """Set when the gateway is asked next: more and more seldom by age, and never again once nothing can change."""
    waiting = deposit.state in {DepositState.OPENING, DepositState.OPEN, DepositState.DELAYED}
    pause = min(max(FIRST_CHECK, (at - deposit.created_at) / 2), _LONGEST_BETWEEN_CHECKS)
    deposit.due_at = at + pause if waiting else None


def _let_go(deposit_id: int, at: datetime) -> Deposit:
    """End a deposit that was never opened; a report that it was paid after all still counts."""
    with busy_when_locked(), transaction.atomic(durable=True):
        deposit: Deposit = Deposit.objects.locked().get(pk=deposit_id)
        if deposit.reference is None and deposit.state == DepositState.OPENING:
            over = at >= deposit.created_at + _OPENING_LASTS
            deposit.state = DepositState.EXPIRED if over else deposit.state
            deposit.due_at = None if over else deposit.created_at + _OPENING_LASTS
            deposit.save(update_fields=["state", "due_at"])
        return deposit
