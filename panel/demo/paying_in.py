"""How the demo's customers came by their balance: they paid in, as customers do; little of it was given to them."""

from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Final
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction

from billing import adjustments, deposits, ledger, pages, receipts
from billing.models import CustomerAccount, Deposit, DepositState, PayoutKind
from panel.accounts.models import User
from panel.demo import visiting
from panel.demo.till import Till
from panel.kernel import money
from panel.kernel.errors import Conflict
from refunds import publishing

_NAMES: Final = UUID("7d6837d1-3c06-467d-919b-8d888634c8ce")
_ROUND: Final = Decimal(50)


class NotPaid(Conflict):
    """A payment of the demo's past is neither paid nor can it be: the sandbox's data is not that of this database."""

    code = "demo_payment_missing"


def key(name: str) -> UUID:
    """Return the key of something in the demo's past, the same in every load."""
    return uuid5(_NAMES, name)


def is_paid(name: str) -> bool:
    """Whether the deposit of this name was made."""
    return Deposit.objects.filter(key=key(name), state=DepositState.PAID).exists()


def paid(name: str) -> Deposit:
    """Return the deposit of this name. Raises Deposit.DoesNotExist."""
    found: Deposit = Deposit.objects.get(key=key(name))
    return found


def by_card(*, customer: User, amount: Decimal, card: str, name: str, till: Till, at: datetime) -> Deposit:
    """Pay in at the sandbox, as on its page; once for each name. Raises NotPaid, NoTill, what deposits.open raises."""
    deposit = deposits.open(
        customer=customer,
        amount=amount,
        key=key(name),
        page_url=f"{settings.SITE_URL}{pages.ADD_FUNDS}{key(name)}/",
        policy_version=publishing.version_in_force(at, customer.customer_group_id).pk,
        address=visiting.address_of(customer),
        at=at,
    )
    if deposit.state == DepositState.PAID:
        return deposit
    deposit = deposits.refresh(deposit.pk, at=at)  # a load that was cut off may have paid already
    if deposit.state == DepositState.OPEN and deposit.reference:
        till.pay(deposit.reference, card=card)
        deposit = deposits.refresh(deposit.pk, at=at)
    if deposit.state != DepositState.PAID:
        message = f"Deposit {deposit.pk} of the demo's past is not paid: {deposit.get_state_display().lower()}."
        raise NotPaid(message)
    return deposit


def by_bank(*, customer: User, amount: Decimal, reference: str, sender: str, staff: User, at: datetime) -> None:
    """Have staff record a bank transfer that arrived; once for each reference."""
    try:
        receipts.record(
            customer=customer,
            amount=amount,
            kind=PayoutKind.BANK,
            reference=reference,
            sender=sender,
            staff=staff,
            at=at,
        )
    except receipts.AlreadyRecorded:
        return


def top_up(
    *, customer: User, needed: Decimal, least: Decimal = money.ZERO, card: str, name: str, till: Till, at: datetime
) -> None:
    """Pay in, in a round amount of at least `least`, what the customer lacks of `needed`; once for each name."""
    missing = needed - balances(customer).available
    if missing > 0 and not is_paid(name):
        amount = in_round(max(missing, least))
        by_card(customer=customer, amount=amount, card=card, name=name, till=till, at=at)


def in_round(amount: Decimal) -> Decimal:
    """Round up to what people pay in: fifties."""
    return (amount / _ROUND).to_integral_value(ROUND_UP) * _ROUND


def give(*, customer: User, amount: Decimal, reason: str, staff: User, name: str, at: datetime) -> None:
    """Credit promotional money; once for each name."""
    if amount > 0:
        adjustments.credit(
            customer=customer,
            amount=amount,
            reason=reason,
            author=staff,
            key=f"demo:{name}",
            account=CustomerAccount.PROMO,
            at=at,
        )


def balances(customer: User) -> ledger.Balances:
    """Return what the customer can spend now."""
    with transaction.atomic():
        return ledger.lock_customers([customer.pk])[customer.pk]
