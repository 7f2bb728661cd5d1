"""The ledger: the only writer of transfers.

`post` writes one transfer or thousands in a fixed number of statements and never twice for one key. Balances, limits
and immutability are the database's (see the models' constraints and triggers).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, connection, transaction

from billing import chart
from billing.models import CustomerAccount, House, TransferKind
from panel.kernel import money
from panel.kernel.errors import Conflict, PanelError, Refused
from panel.postgres import prepared


class InsufficientFunds(Refused):
    """The account to be debited holds less than the amount."""

    code = "insufficient_funds"


class KeyReused(Conflict):
    """A key was posted again with another content: a bug of the caller or a forged request, never carried out."""

    code = "transfer_key_reused"


class BadTransfer(PanelError):
    """A transfer that no use case may ask for: not positive, or not at the money scale."""

    code = "bad_transfer"


_HOUSE_IDS = frozenset(House.values)


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """One transfer to post. `debit` and `credit` are account ids; `amount` is at the money scale and above zero."""

    key: str
    kind: TransferKind
    debit: int
    credit: int
    amount: Decimal
    customer_id: int | None = None
    order_ref: int | None = None
    deposit_id: int | None = None
    withdrawal_id: int | None = None
    reason: str = ""
    author_id: int | None = None


@dataclass(frozen=True, slots=True)
class Balances:
    """A customer's spendable accounts: ids and balances."""

    available_id: int
    available: Decimal
    promo_id: int
    promo: Decimal

    @property
    def spendable(self) -> Decimal:
        """What the customer can order for."""
        return self.available + self.promo


@dataclass(frozen=True, slots=True)
class Wallet:
    """All accounts of a customer: ids and balances (money scale; debt is below zero)."""

    available_id: int
    available: Decimal
    held_id: int
    held: Decimal
    promo_id: int
    promo: Decimal
    debt_id: int
    debt: Decimal

    @property
    def withdrawable(self) -> Decimal:
        """What may be paid out: the available balance less what is owed. Never promotional money."""
        return max(self.available + self.debt, money.ZERO)


# The accounts are locked in key order in the same statement, before the trigger updates them in an order of its own:
# two batches that share customers wait for each other and can't deadlock.
_POST = prepared.Statement(
    "ledger_post",
    """
    WITH locked AS MATERIALIZED (
        SELECT id FROM billing_account WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
    )
    INSERT INTO billing_transfer
        (at, key, kind, debit_account_id, credit_account_id, amount, customer_id, order_ref, deposit_id, withdrawal_id,
         reason, author_id)
    SELECT %s::timestamptz, t.* FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::numeric[],
                           %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                           %s::text[], %s::bigint[]) AS t
    WHERE (SELECT count(*) FROM locked) >= 0
    ON CONFLICT (key) DO NOTHING
    """,
)


_LOCK = prepared.Statement(
    "ledger_lock",
    """
    SELECT customer_id, kind, id, balance FROM billing_account
    WHERE customer_id = ANY(%s::bigint[]) AND kind = ANY(%s::text[])
    ORDER BY id FOR NO KEY UPDATE
    """,
)


def lock_customers(customer_ids: Collection[int]) -> dict[int, Balances]:
    """Lock and read the spendable accounts of these customers, opening missing ones; keyed by customer id.

    One statement when the accounts exist. Hold orders before accounts (docs/architecture.md, lock order).
    """
    return {
        customer_id: Balances(*found["available"], *found["promo"])
        for customer_id, found in _locked(customer_ids, chart.SPENDABLE).items()
    }


def lock_wallets(customer_ids: Collection[int]) -> dict[int, Wallet]:
    """Lock and read all accounts of these customers, opening missing ones; keyed by customer id.

    For use cases that move held money or debt. The same lock order as `lock_customers`, which takes fewer rows.
    """
    return {
        customer_id: Wallet(
            *found["available"],
            *found["held"],
            *found["promo"],
            *found["debt"],
        )
        for customer_id, found in _locked(customer_ids, chart.ALL).items()
    }


_Locked = dict[str, tuple[int, Decimal]]  # by kind: id and balance


def _locked(customer_ids: Collection[int], kinds: Collection[CustomerAccount]) -> dict[int, _Locked]:
    found = _lock(customer_ids, kinds)
    missing = {pk for pk in customer_ids if pk not in found or len(found[pk]) < len(kinds)}
    if missing:
        chart.open_customer_accounts(missing, kinds)
        found = _lock(customer_ids, kinds)
    return found


def _lock(customer_ids: Collection[int], kinds: Collection[CustomerAccount]) -> dict[int, _Locked]:
    _require_transaction()
    with connection.cursor() as cursor:
        _LOCK.run(cursor, [list(customer_ids), [kind.value for kind in kinds]])
        rows = cursor.fetchall()
    found: dict[int, _Locked] = {}
    for customer_id, kind, pk, balance in rows:
        found.setdefault(customer_id, {})[kind] = (pk, balance)
    return found


def post(transfers: Sequence[NewTransfer], *, at: datetime) -> int:
    """Write the transfers that are not there yet, as of `at`; return how many were new.

    Runs in the caller's transaction: one statement, whatever the number (a second only when keys repeat). A key that
    exists with the same content is a replay and moves nothing.

    Raises InsufficientFunds, KeyReused, BadTransfer; the caller's transaction must then be rolled back.
    """
    _require_transaction()
    if not transfers:
        return 0
    for transfer in transfers:
        if not money.fits(transfer.amount) or transfer.amount <= 0:
            message = f"a transfer of {transfer.amount} is not possible"
            raise BadTransfer(message)
    customer_accounts = sorted({side for t in transfers for side in (t.debit, t.credit)} - _HOUSE_IDS)
    try:
        with connection.cursor() as cursor:
            _POST.run(cursor, [customer_accounts, at, *_columns(transfers)])
            inserted = int(cursor.rowcount)
    except IntegrityError as error:
        if "account_balance_not_negative" in str(error):
            raise InsufficientFunds("Not enough funds on balance") from error
        raise
    if inserted != len(transfers):
        _require_same_content(transfers)
    return inserted


def _columns(transfers: Iterable[NewTransfer]) -> list[list[object]]:
    rows = [
        (
            t.key,
            t.kind.value,
            t.debit,
            t.credit,
            t.amount,
            t.customer_id,
            t.order_ref,
            t.deposit_id,
            t.withdrawal_id,
            t.reason,
            t.author_id,
        )
        for t in transfers
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _require_same_content(transfers: Sequence[NewTransfer]) -> None:
    """Compare what is stored under these keys with what was asked, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, kind, debit_account_id, credit_account_id, amount, customer_id, order_ref,"
            " deposit_id, withdrawal_id FROM billing_transfer WHERE key = ANY(%s)",
            [[t.key for t in transfers]],
        )
        stored = {row[0]: row for row in cursor.fetchall()}
    for t in transfers:
        asked = (
            t.key,
            t.kind.value,
            t.debit,
            t.credit,
            t.amount,
            t.customer_id,
            t.order_ref,
            t.deposit_id,
            t.withdrawal_id,
        )
        if stored[t.key] != asked:
            message = f"transfer key {t.key} was used before for something else"
            raise KeyReused(message)


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        message = "the ledger is written inside the caller's transaction"
        raise transaction.TransactionManagementError(message)
