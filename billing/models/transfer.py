"""Transfers: one positive amount from one account to another. Append-only."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.account import Account
from billing.models.deposit import Deposit
from billing.models.withdrawal import Withdrawal


class TransferKind(models.TextChoices):
    """Why money moved; one line each of the ledger's table of events."""

    ORDER_PLACED = "order_placed", "Order placed"
    ORDER_DELIVERED = "order_delivered", "Order delivered"
    ORDER_REFUND = "order_refund", "Order refund"
    ADJUSTMENT = "adjustment", "Adjustment by staff"
    DEPOSIT = "deposit", "Funds added"
    WITHDRAWAL_OPENED = "withdrawal_opened", "Withdrawal"
    WITHDRAWAL_RETURNED = "withdrawal_returned", "Withdrawal not sent"
    WITHDRAWAL_PAID = "withdrawal_paid", "Withdrawal paid"
    WITHDRAWAL_REVERSED = "withdrawal_reversed", "Withdrawal came back"
    GATEWAY_REFUND = "gateway_refund", "Refund to your payment method"
    DEBT_SETTLED = "debt_settled", "Debt settled"
    DISPUTE_HELD = "dispute_held", "Held for a payment dispute"
    DISPUTE_RETURNED = "dispute_returned", "Payment dispute: given back"
    DISPUTE_LOST = "dispute_lost", "Payment dispute: paid to the bank"
    DISPUTE_REINSTATED = "dispute_reinstated", "Payment dispute: paid back by the bank"
    DISPUTE_FEE = "dispute_fee", "Fee for a payment dispute"
    DISPUTE_FEE_RETURNED = "dispute_fee_returned", "Fee for a payment dispute given back"


ORDER_KINDS = (TransferKind.ORDER_PLACED, TransferKind.ORDER_DELIVERED, TransferKind.ORDER_REFUND)
WITHDRAWAL_KINDS = (
    TransferKind.WITHDRAWAL_OPENED,
    TransferKind.WITHDRAWAL_RETURNED,
    TransferKind.WITHDRAWAL_PAID,
    TransferKind.WITHDRAWAL_REVERSED,
    TransferKind.GATEWAY_REFUND,
)
DISPUTE_KINDS = (
    TransferKind.DISPUTE_HELD,
    TransferKind.DISPUTE_RETURNED,
    TransferKind.DISPUTE_LOST,
    TransferKind.DISPUTE_REINSTATED,
    TransferKind.DISPUTE_FEE,
    TransferKind.DISPUTE_FEE_RETURNED,
)

# One statement an insert, however many rows: sums per customer account, then one UPDATE. The accounts were locked in
# key order by ledger.post before; a writer that goes around it still can't break a balance, only wait or deadlock.
_APPLY_TO_BALANCES = """
    UPDATE billing_account a
    SET balance = a.balance + d.delta
    FROM (
        SELECT account_id, customer_id, sum(delta) AS delta
        FROM (
            SELECT debit_account_id AS account_id, customer_id, -amount AS delta FROM new_transfers
            UNION ALL
            SELECT credit_account_id, customer_id, amount FROM new_transfers
        ) sides
        WHERE account_id >= 1000
        GROUP BY account_id, customer_id
    ) d
    WHERE a.id = d.account_id AND a.customer_id = d.customer_id;
    GET DIAGNOSTICS moved = ROW_COUNT;

    SELECT count(*) INTO named
    FROM (
        SELECT debit_account_id AS account_id, customer_id FROM new_transfers WHERE debit_account_id >= 1000
        UNION
        SELECT credit_account_id, customer_id FROM new_transfers WHERE credit_account_id >= 1000
    ) sides;
    IF moved <> named OR EXISTS (
        SELECT 1 FROM new_transfers
        WHERE (debit_account_id < 1000
               AND debit_account_id NOT IN (SELECT id FROM billing_account WHERE id < 1000))
           OR (credit_account_id < 1000
               AND credit_account_id NOT IN (SELECT id FROM billing_account WHERE id < 1000))
    ) THEN
        RAISE EXCEPTION 'a transfer joins accounts that exist, and names the customer whose balance it moves'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_accounts_exist_and_match';
    END IF;
    RETURN NULL;
"""


class Transfer(models.Model):
    """One move of money. `key` is unique: posting the same key again moves nothing."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    kind = models.CharField(max_length=30, choices=TransferKind)
    # No database foreign keys here: each insert would lock the same house rows (FOR KEY SHARE), where all customers'
    # writes would meet. The triggers check that both accounts exist (accounts are never deleted) and that the customer
    # is the account's or the order's, which do have foreign keys.
    debit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    credit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # The order's number, no foreign key: orders live in a higher room, which checks it (refunds.audit).
    order_ref = models.BigIntegerField("order", null=True, blank=True)
    # Always the customer's own, so that the foreign keys' locks meet no other customer's.
    deposit = models.ForeignKey(
        Deposit, on_delete=models.PROTECT, null=True, blank=True, related_name="transfers", db_index=False
    )
    withdrawal = models.ForeignKey(
        Withdrawal, on_delete=models.PROTECT, null=True, blank=True, related_name="transfers", db_index=False
    )
    key = models.CharField(max_length=120)  # unique by a constraint: `unique=True` would make a second index for LIKE
    reason = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="billing_transfer_key_key", fields=["key"]),
            models.CheckConstraint(name="transfer_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="transfer_between_two_accounts", condition=~Q(debit_account=F("credit_account"))
            ),
            models.CheckConstraint(name="transfer_kind_known", condition=Q(kind__in=TransferKind.values)),
            models.CheckConstraint(
                name="transfer_of_an_order_names_it",
                condition=~Q(kind__in=ORDER_KINDS) | Q(order_ref__isnull=False, customer__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_of_a_deposit_names_it",
                condition=~Q(kind=TransferKind.DEPOSIT) | Q(deposit__isnull=False, customer__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_of_a_withdrawal_names_it",
                condition=~Q(kind__in=WITHDRAWAL_KINDS) | Q(withdrawal__isnull=False, customer__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_of_a_dispute_names_its_deposit",
                condition=~Q(kind__in=DISPUTE_KINDS) | Q(deposit__isnull=False, customer__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_adjustment_explained",
                condition=~Q(kind=TransferKind.ADJUSTMENT) | (~Q(reason="") & Q(author__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="transfer_statement"),
            models.Index(fields=["order_ref"], name="transfer_order", condition=Q(order_ref__isnull=False)),
            models.Index(fields=["deposit"], name="transfer_deposit", condition=Q(deposit__isnull=False)),
            models.Index(fields=["withdrawal"], name="transfer_withdrawal", condition=Q(withdrawal__isnull=False)),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="apply_to_balances",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_transfers"),
                declare=[("moved", "bigint"), ("named", "bigint")],
                func=_APPLY_TO_BALANCES,
            ),
            pgtrigger.Protect(name="transfer_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"
