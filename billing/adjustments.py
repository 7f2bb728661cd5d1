"""Staff adjustments: money given or taken by hand, with a reason and an author."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing import debts, ledger
from billing.models import CustomerAccount, House, TransferKind
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Forbidden, Refused


class BadAdjustment(Refused):
    """The amount or the reason is missing or out of bounds."""

    code = "bad_adjustment"


def credit(
    *,
    customer: User,
    amount: Decimal,
    reason: str,
    author: User,
    key: str,
    at: datetime,
    account: CustomerAccount = CustomerAccount.AVAILABLE,
) -> None:
    """Add to a customer's available or promotional balance. The same `key` again adds nothing.

    Raises BadAdjustment, Forbidden (author isn't staff, or adjusts an own balance), ledger.KeyReused.
    """
    _require_allowed(customer=customer, amount=amount, reason=reason, author=author, account=account)
    with transaction.atomic(durable=True):
        own = _lock_own(customer, account)
        _post(
            House.ADJUSTMENTS.value, own, customer=customer, amount=amount, reason=reason, author=author, key=key, at=at
        )
        if account == CustomerAccount.AVAILABLE:
            debts.pay_first({customer.pk: f"adjustment:{key}:debt"}, at=at)


def debit(
    *,
    customer: User,
    amount: Decimal,
    reason: str,
    author: User,
    key: str,
    at: datetime,
    account: CustomerAccount = CustomerAccount.AVAILABLE,
) -> None:
    """Take from a customer's available or promotional balance. The same `key` again takes nothing.

    Raises BadAdjustment, Forbidden, ledger.InsufficientFunds, ledger.KeyReused.
    """
    _require_allowed(customer=customer, amount=amount, reason=reason, author=author, account=account)
    with transaction.atomic(durable=True):
        own = _lock_own(customer, account)
        _post(
            own, House.ADJUSTMENTS.value, customer=customer, amount=amount, reason=reason, author=author, key=key, at=at
        )


def _require_allowed(*, customer: User, amount: Decimal, reason: str, author: User, account: CustomerAccount) -> None:
    if not author.is_staff or author.pk == customer.pk:
        raise Forbidden("Balances are adjusted by staff, and never one's own.")
    if not reason.strip():
        raise BadAdjustment("Say why the balance is adjusted: the customer will read it.", field="reason")
    if not amount.is_finite() or not 0 < amount <= settings.LARGEST_ADJUSTMENT or not money.fits(amount):
        message = (
            f"An adjustment is above 0, at most {money.plain(settings.LARGEST_ADJUSTMENT)},"
            f" and has no more than {money.PLACES} decimals."
        )
        raise BadAdjustment(message, field="amount")
    if account not in {CustomerAccount.AVAILABLE, CustomerAccount.PROMO}:
        raise BadAdjustment("Only the available and the promotional balance are adjusted by hand.", field="account")


def _lock_own(customer: User, account: CustomerAccount) -> int:
    balances = ledger.lock_customers([customer.pk])[customer.pk]
    return balances.available_id if account == CustomerAccount.AVAILABLE else balances.promo_id


def _post(
    debit: int, credit: int, *, customer: User, amount: Decimal, reason: str, author: User, key: str, at: datetime
) -> None:
    ledger.post(
        [
            ledger.NewTransfer(
                key=f"adjustment:{key}",
                kind=TransferKind.ADJUSTMENT,
                debit=debit,
                credit=credit,
                amount=money.exact(amount),
                customer_id=customer.pk,
                reason=reason.strip()[:300],
                author_id=author.pk,
            )
        ],
        at=at,
    )
