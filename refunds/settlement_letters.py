"""The letters of a settlement: each customer whose orders it credited is told once of all of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import Account, CustomerAccount
from panel.accounts.models import User
from panel.kernel import money
from panel.notifications import outbox, refund_letters
from panel.notifications.outbox import NewEmail
from refunds import pages


@dataclass(frozen=True, slots=True)
class Credited:
    """One order for which a settlement credited its customer: how much (money scale), and why in a sentence."""

    customer_id: int
    order_id: int
    decision_id: int
    credit: Decimal
    sentence: str


def put(credited: Sequence[Credited], *, credited_accounts: Collection[int], at: datetime) -> None:
    """Put one letter a customer into the outbox, in the settlement's transaction and after its transfers are posted.

    `credited_accounts` are the accounts that the transfers went to: the promotional balance is told where a share of
    it came back. Two statements, whatever the number, or none when nothing was credited.
    """
    by_customer: dict[int, list[Credited]] = defaultdict(list)
    for one in credited:
        if one.credit > 0:
            by_customer[one.customer_id].append(one)
    if not by_customer:
        return
    kinds = [CustomerAccount.AVAILABLE, CustomerAccount.PROMO]
    accounts = Account.objects.filter(customer__in=by_customer, customer__is_active=True, kind__in=kinds)
    balances: dict[User, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for account in accounts.select_related("customer").order_by("customer"):
        if account.customer is not None and account.balance is not None:  # the house's have neither
            balances[account.customer][account.kind] = (account.pk, account.balance)
    outbox.put(
        [_letter(owner, by_customer[owner.pk], own, credited_accounts) for owner, own in balances.items()], at=at
    )


def _letter(
    customer: User,
    credited: Sequence[Credited],
    balances: Mapping[str, tuple[int, Decimal]],
    credited_accounts: Collection[int],
) -> NewEmail:
    _, available = balances[CustomerAccount.AVAILABLE]
    promo_id, promo = balances[CustomerAccount.PROMO]
    listed = sorted(credited, key=lambda one: one.order_id)
    return refund_letters.order_refunded(
        customer=customer,
        key=f"decision:{min(one.decision_id for one in listed)}:refunded",
        orders=[(one.order_id, one.sentence) for one in listed],
        total=sum((one.credit for one in listed), money.ZERO),
        balance=available,
        promo_balance=promo if promo_id in credited_accounts else None,
        url=pages.order(listed[0].order_id) if len(listed) == 1 else pages.ORDERS,
    )
