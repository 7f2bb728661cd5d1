"""Accounts: four a customer with a stored balance, and the house's without one."""

from typing import Any, ClassVar, TypeVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

ModelT = TypeVar("ModelT", bound=models.Model)


class CustomerAccount(models.TextChoices):
    """The accounts of a customer. Balances are credits minus debits."""

    AVAILABLE = "available", "Available"
    HELD = "held", "Held"
    PROMO = "promo", "Promotional"
    DEBT = "debt", "Debt"


class House(models.IntegerChoices):
    """The house's accounts. The number is the primary key, so no code has to look one up."""

    ADJUSTMENTS = 1, "Adjustments"
    ORDERS_IN_PROGRESS = 2, "Orders in progress"
    REVENUE = 3, "Revenue"
    FEES = 4, "Fees"
    CHARGEBACK_LOSSES = 5, "Chargeback losses"
    STRIPE_CLEARING = 6, "Clearing: cards"
    MANUAL_CLEARING = 7, "Clearing: by hand"


FIRST_CUSTOMER_ACCOUNT_ID = 1000


class AccountQuerySet(models.QuerySet["Account"]):
    """Adds the one way to lock accounts."""

    def locked(self) -> "AccountQuerySet":
        """Lock the rows in primary key order, so that two lockers can't wait for each other."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Account(models.Model):
    """One side of transfers.

    A customer's balance is stored here and written by the transfer trigger alone. House accounts store none (it would
    be one row that every customer's write waits for); theirs is the sum of their transfers.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    kind = models.CharField(max_length=20, choices=CustomerAccount, blank=True)
    balance = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)

    objects: ClassVar[Any] = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("customer", "kind", name="account_one_of_a_kind"),
            models.CheckConstraint(
                name="account_customer_or_house",
                condition=(
                    Q(customer__isnull=True, balance__isnull=True, kind="", pk__lt=FIRST_CUSTOMER_ACCOUNT_ID)
                    | Q(
                        customer__isnull=False,
                        balance__isnull=False,
                        kind__in=CustomerAccount.values,
                        pk__gte=FIRST_CUSTOMER_ACCOUNT_ID,
                    )
                ),
            ),
            models.CheckConstraint(
                name="account_balance_not_negative",
                condition=Q(balance__isnull=True) | Q(kind=CustomerAccount.DEBT) | Q(balance__gte=0),
            ),
            models.CheckConstraint(
                name="account_debt_not_positive",
                condition=~Q(kind=CustomerAccount.DEBT) | Q(balance__lte=0),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="balance_starts_at_zero",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.balance IS DISTINCT FROM 0 AND NEW.balance IS NOT NULL"),
                func="RAISE EXCEPTION 'an account is opened with a balance of 0' USING ERRCODE = 'check_violation';",
            ),
            # pg_trigger_depth() is 0 in a direct statement and 1 inside the transfer trigger.
            pgtrigger.Trigger(
                name="balance_moves_by_transfers_only",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.kind <> NEW.kind OR OLD.id <> NEW.id"
                    " OR (OLD.balance IS DISTINCT FROM NEW.balance AND pg_trigger_depth() = 0)"
                ),
                func=(
                    "RAISE EXCEPTION 'balances change by transfers only, and accounts keep their owner'"
                    " USING ERRCODE = 'check_violation';"
                ),
            ),
            pgtrigger.Protect(name="account_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        if self.customer_id is None:
            return House(self.pk).label
        return f"{CustomerAccount(self.kind).label} balance of customer {self.customer_id}"
