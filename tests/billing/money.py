"""Whose money is where, as the books say."""

from billing.models import Account, House, Transfer
from panel.accounts.models import User
from panel.kernel import money


def balances(customer: User) -> dict[str, str]:
    """Return the customer's accounts that hold something, by kind: `{"available": "30.00", "held": "20.00"}`."""
    rows = Account.objects.filter(customer=customer).exclude(balance=0).order_by("kind")
    return {row.kind: money.display(row.balance or money.ZERO, "").strip() for row in rows}


def credited(customer: User) -> list[str]:
    """Return what each deposit of the customer's credited, oldest first."""
    rows = Transfer.objects.filter(customer=customer, kind="deposit").order_by("id")
    return [money.plain(row.amount) for row in rows]


def moved(customer: User) -> list[tuple[str, str]]:
    """Return every transfer of the customer's as kind and amount, oldest first."""
    rows = Transfer.objects.filter(customer=customer).order_by("id")
    return [(row.kind, money.plain(row.amount)) for row in rows]


def clearing(account: House = House.STRIPE_CLEARING) -> str:
    """Return what the books say is at a gateway: what came in less what went back."""
    into = Transfer.objects.filter(debit_account_id=account).values_list("amount", flat=True)
    out = Transfer.objects.filter(credit_account_id=account).values_list("amount", flat=True)
    return money.plain(sum(into, money.ZERO) - sum(out, money.ZERO))
