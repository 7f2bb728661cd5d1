"""Customers and staff."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

from django.contrib.auth.models import Group

from billing import adjustments
from billing.models import CustomerAccount
from panel import staff_groups
from panel.accounts.models import User

_numbers = itertools.count(1)


def make_customer(name: str = "ada", *, funds: str = "0", promo: str = "0") -> User:
    """Return a customer with an e-mail address of that name, and a balance credited by staff."""
    customer = User.objects.create_user(f"{name}-{next(_numbers)}@example.com", "a long passphrase", name=name.title())
    if Decimal(funds):
        fund(customer, funds)
    if Decimal(promo):
        fund(customer, promo, account=CustomerAccount.PROMO)
    return customer


def make_staff(name: str = "grace", group: str | None = None) -> User:
    """Return a member of staff of this group; without one, a superuser, who may do everything in the admin."""
    address, passphrase = f"{name}-{next(_numbers)}@staff.example.com", "a long passphrase"
    if group is None:
        return User.objects.create_superuser(address, passphrase, name=name.title())
    if not Group.objects.filter(name=group).exists():
        staff_groups.install()  # a flush after a transactional test takes them away
    staff = User.objects.create_user(address, passphrase, name=name.title(), is_staff=True)
    staff.groups.add(Group.objects.get(name=group))
    return staff


def fund(customer: User, amount: str, *, account: CustomerAccount = CustomerAccount.AVAILABLE) -> None:
    """Credit a balance as staff do."""
    treasurer = User.objects.filter(email="treasurer@staff.example.com").first() or User.objects.create_user(
        "treasurer@staff.example.com", is_staff=True
    )
    adjustments.credit(
        customer=customer,
        amount=Decimal(amount),
        reason="opening balance",
        author=treasurer,
        key=f"test:{next(_numbers)}",
        account=account,
        at=datetime(2026, 11, 1, tzinfo=UTC),
    )
